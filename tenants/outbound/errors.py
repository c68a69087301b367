"""What can go wrong on the way out, in words that may be shown to a user."""


class OutboundError(Exception):
    """An outbound call that did not happen or did not end well.

    `reason` is fit for users and logs: it names a host at most, never a path, a query string or a header value.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutboundRefused(OutboundError):
    """Our policy forbids this call; trying again changes nothing."""


class OutboundFailed(OutboundError):
    """The network, the clock, the size or the other side's answer; another try may succeed.

    `status` is the HTTP status if an answer was seen, else None.
    """

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
