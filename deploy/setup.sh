#!/usr/bin/env bash
# setup.sh REQUIREMENTS: make .venv hold what the file lists. A second call costs nothing, since a stamp keeps the
# file's hash; two calls at once take turns.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=$1
stamp=.venv/.installed-$(basename "$requirements" .txt)
wanted=$(cat "$requirements" deploy/setup.sh | sha256sum | cut -c1-32)

is_ready() { [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; }

# A Python that is new enough and can make virtual environments; 3.11 first, since the locked wheels were tried on it.
find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.11 python3.12 python3 python3.13 /usr/bin/python3 python; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "No Python 3.11 or later with venv was found (on Debian: apt-get install python3-venv; or set PYTHON)." >&2
  return 1
}

is_ready && exit 0
mkdir -p var
if command -v flock >/dev/null; then
  exec 9>var/setup.lock
  flock 9
  is_ready && exit 0
fi
if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
  python=$(find_python)
  echo "Making .venv with $("$python" --version) ..." >&2
  "$python" -m venv .venv
fi
echo "Installing $requirements ..." >&2
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r "$requirements" >&2
echo "$wanted" >"$stamp"
