"""Reading the environment: storage addresses and the development secret."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


def storage_config(url: str) -> dict[str, Any]:
    """`file:///path` or `s3://bucket/prefix?endpoint=...&region=...` as an entry of STORAGES; ValueError otherwise."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        # Keys are chosen by us; a job that runs again writes the same file again.
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": unquote(parts.path), "allow_overwrite": True},
        }
    if parts.scheme != "s3" or not parts.hostname:
        raise ValueError("STORAGE_URL must look like file:///path or s3://bucket?endpoint=https://...")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    options: dict[str, Any] = {
        "bucket_name": parts.hostname,
        "location": parts.path.strip("/"),
        "endpoint_url": query.get("endpoint"),
        "region_name": query.get("region"),
        "access_key": parts.username and unquote(parts.username),
        "secret_key": parts.password and unquote(parts.password),
        "signature_version": "s3v4",
        "querystring_auth": True,
        "file_overwrite": True,
        "default_acl": None,
    }
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {key: value for key, value in options.items() if value is not None},
    }


def development_secret(path: Path) -> str:
    """A secret of this checkout, made once and kept in `path` (mode 0600); safe when two processes start at once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48), encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
