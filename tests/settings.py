"""Settings of the test suite: the platform's own, with a throw-away database and throw-away files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import environ

SCRATCH = Path(tempfile.mkdtemp(prefix="inspection-tests-"))
os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ["STORAGE_URL"] = f"file://{SCRATCH / 'media'}"
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{SCRATCH / 'db.sqlite3'}"
os.environ["DEBUG"] = "off"
os.environ["PUBLIC_URL"] = "http://testserver"
os.environ["MODEL_CACHE_DIR"] = str(SCRATCH / "models")
os.environ["STATIC_ROOT"] = str(SCRATCH / "static")
# WhiteNoise warns with every request about a folder that is not there.
(SCRATCH / "static").mkdir()
os.environ.pop("OUTBOUND_ALLOW", None)

from inspection_platform.settings import *  # noqa: E402, F403  (the environment above has to be set first)
from inspection_platform.settings import DATABASES, STORAGES  # noqa: E402

if not environ.Env().str("TEST_DATABASE_URL", default=""):
    # A file, since threads of one process share an in-memory database only through table locks.
    DATABASES["default"]["TEST"] = {"NAME": str(SCRATCH / "test.sqlite3")}
DATABASES["default"]["CONN_MAX_AGE"] = 0
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
