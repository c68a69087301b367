"""How gunicorn serves the platform: a few processes with threads, on the loopback unless told otherwise."""

import gc
import os
from pathlib import Path
from typing import Any

from inspection_platform.clusters import die_with_parent

bind = os.environ.get("BIND", f"127.0.0.1:{os.environ.get('PORT', '8000')}")
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
#: Uploads of 99 photos over a phone's connection take their time; threads do not block the worker's heartbeat.
timeout = 60
graceful_timeout = 8
keepalive = 15
#: Heartbeat files must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn makes private files in it
#: Whether a proxy may be believed is TRUSTED_PROXIES' business alone.
secure_scheme_headers: dict[str, str] = {}
#: A worker that grew is replaced now and then, not all at once.
max_requests = 20_000
max_requests_jitter = 2_000
#: Each request is logged by the application already, with its user and tenant.
accesslog = None
errorlog = "-"
loglevel = "warning"


def post_fork(_server: Any, _worker: Any) -> None:
    """No worker lives on without its master."""
    die_with_parent()


def post_worker_init(_worker: Any) -> None:
    """What is loaded now stays: the collector need not go through it again while rows of a long list are made."""
    gc.collect()
    gc.freeze()
