"""Why a photo or video cannot be used, in words for the person who uploaded it."""

from enum import StrEnum


class Fault(StrEnum):
    """The machine-readable half of a refusal."""

    EMPTY = "empty"
    TRUNCATED = "truncated"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    NOT_DECODABLE = "not_decodable"


class UnusableMedia(ValueError):
    """A file that is not a usable photo or video.

    `code` is one of the words of `Fault`; `reason` is one plain sentence for the uploader. It names no file:
    only the caller knows what the uploader called it.
    """

    def __init__(self, code: str, reason: str) -> None:
        """Keep both halves in `args` as well, so that the error survives pickling between processes."""
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        """Return the sentence alone: it is what logs and people want to read."""
        return self.reason


def truncated() -> UnusableMedia:
    """Return the refusal of a file whose end is missing."""
    return UnusableMedia(Fault.TRUNCATED, "The file is incomplete: its end is missing. Please upload it again.")


def malformed(what: str) -> UnusableMedia:
    """Return the refusal of a file whose inner structure is broken; `what` continues "The file is damaged: "."""
    return UnusableMedia(Fault.MALFORMED, f"The file is damaged: {what}.")


def not_decodable(what: str) -> UnusableMedia:
    """Return the refusal of a file with sound structure but unreadable pixels; `what` is "photo" or "video"."""
    return UnusableMedia(Fault.NOT_DECODABLE, f"The {what} cannot be read: its content is damaged.")
