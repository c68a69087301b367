"""What services refuse, in words of the domain; each HTTP family turns these into its own envelope and status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class DomainError(Exception):
    """A refusal with a sentence for whoever asked."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(DomainError):
    """The input is wrong; `fields` names each wrong field with its reasons."""

    def __init__(self, message: str, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(message)
        self.fields = {name: list(reasons) for name, reasons in (fields or {}).items()}


class NotAuthenticated(DomainError):
    """Nobody we know is asking."""


class NotFound(DomainError):
    """No such thing, or not for the one who asks."""


class Forbidden(DomainError):
    """The asker may see it but not do this."""


class Conflict(DomainError):
    """Somebody else was first, or the state does not allow it; `fields` may tell what stands in the way."""

    def __init__(self, message: str, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(message)
        self.fields = {name: list(reasons) for name, reasons in (fields or {}).items()}


class RepeatRefused(DomainError):
    """A request came again under its Idempotency-Key and cannot be answered: it differs, or the first is at work."""


class QuotaExceeded(DomainError):
    """The month's quota of a service is used up."""


class Unavailable(DomainError):
    """The service is closed for now."""
