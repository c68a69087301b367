"""The platform's settings with a stopwatch around its views."""

from __future__ import annotations

from inspection_platform.settings import *  # noqa: F403 - a settings module on top of another
from inspection_platform.settings import MIDDLEWARE as PLATFORM

MIDDLEWARE = [*PLATFORM, "bench.timing.Timing"]
