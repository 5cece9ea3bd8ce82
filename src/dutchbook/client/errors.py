"""What can go wrong for a client in a way that trying again does not heal."""

from dutchbook.domain.errors import DutchbookError


class HubError(DutchbookError):
    """The hub refused; `reason` is its code, as in `dutchbook.hub.wire.ERRORS`."""

    def __init__(self, reason: str, what: str, todo: str = "") -> None:
        super().__init__(f"{reason}: {what}", todo=todo)
        self.reason = reason


class Gone(HubError):
    """Messages behind the wanted number are not kept any more; from `seq` on they are."""

    def __init__(self, what: str, seq: int) -> None:
        super().__init__("gone", what, f"listen again with after={seq}, knowing some were missed")
        self.seq = seq


class Ended(DutchbookError):
    """The client was closed while somebody waited for its messages."""

    code = 3
