"""`tied.py COMMAND...`: become COMMAND, which the kernel kills when the parent dies (Linux; elsewhere just run it).

So nothing of a run lives on when its supervisor is killed. The tie outlasts exec; children of the command are not
covered, they have to tie themselves.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Ask the kernel for signal `number` when the parent of this process dies (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number))


if __name__ == "__main__":
    die_with_parent()
    os.execvp(sys.argv[1], sys.argv[1:])
