"""Logging: structured lines, with anything that opens a door blacked out."""

from __future__ import annotations

import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

_SECRET_NAMES = re.compile(r"key|secret|token|password|authorization|cookie|signature|otp|code$", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"(Bearer\s+|whsec_|eyJ[\w-]{5,}\.|/invitation/)[\w.~+/=:-]+", re.IGNORECASE)


def black_out(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Replace values under names that sound secret, and tokens inside texts. Numbers (a status `code`) are shown."""
    for name, value in event.items():
        if _SECRET_NAMES.search(name) and value and not isinstance(value, int):
            event[name] = "***"
        elif isinstance(value, str):
            event[name] = _SECRET_TEXT.sub(r"\1***", value)
    return event


def logging_config(*, level: str, as_json: bool) -> dict[str, Any]:
    """Django's LOGGING: JSON lines for machines, coloured ones for people; both pass `black_out`."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        black_out,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["console"], "level": level, "propagate": False},
            # One line for each task is noise beside the job rows.
            "django-q": {"handlers": ["console"], "level": "WARNING", "propagate": False},
            "axes": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
        },
    }
