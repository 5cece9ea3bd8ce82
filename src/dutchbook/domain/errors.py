"""Typed errors: each names the thing, what was expected and what to do."""


class DutchbookError(Exception):
    """What went wrong, why, and what to do. `code` is the exit code of the command line."""

    code = 1

    def __init__(self, what: str, *, why: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.todo = todo

    def __str__(self) -> str:
        parts = [self.what, self.why, f"To do: {self.todo}" if self.todo else ""]
        return " ".join(f"{part.rstrip('.')}." for part in parts if part)


class UsageError(DutchbookError):
    """The call itself is wrong, or names something that does not exist."""

    code = 2


class NotRunning(DutchbookError):
    """The command needs a running engine and there is none."""

    code = 3


class ConfigError(DutchbookError):
    """A setting or a secret is missing, unknown or of the wrong type."""

    code = 4


class Timeout(DutchbookError):
    """Something did not answer within its limit."""

    code = 5


class VenueUnreachable(DutchbookError):
    """A venue could not be reached at all."""

    code = 7


class RemoteProtocolError(DutchbookError):
    """A venue, or a file that claims to be one's, sent something that its protocol does not allow.

    `where` is a place in the input: a JSON path such as "msg.price_dollars", or "line 7".
    """

    def __init__(self, venue: str, where: str, what: str, *, market: str = "") -> None:
        self.venue = venue
        self.where = where
        self.market = market
        name = f" ({market})" if market else ""
        super().__init__(f"{venue}: {where or 'frame'}{name}: {what}")


class JournalError(DutchbookError):
    """The record on disk can't be read or written as it must be; trading halts on it."""


class CertificateError(DutchbookError):
    """A certificate does not prove what it says."""


class SolverError(DutchbookError):
    """A solver found no optimum: the problem has none, or its time was up."""
