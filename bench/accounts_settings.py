"""The platform's settings, and beside its routes the bare views that it is measured against."""

from __future__ import annotations

from inspection_platform.settings import *  # noqa: F403 - a settings module on top of another

ROOT_URLCONF = "bench.accounts_urls"
