"""`qcluster.py --name ml|io`: a queue cluster whose processes live and die together (inspection_platform.clusters)."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inspection_platform.settings")

from inspection_platform.clusters import run

if __name__ == "__main__":
    run(sys.argv[1:])
