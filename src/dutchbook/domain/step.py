"""What one step did: the only thing that screens, tables, subscribers and tests read."""

import msgspec

from dutchbook.domain.certificate import Certificate
from dutchbook.domain.effects import Effect
from dutchbook.domain.events import Envelope
from dutchbook.domain.units import Ns


class Opened(msgspec.Struct, frozen=True, array_like=True, tag="Opened"):
    """An opportunity passed every stage; its certificate says why it is one."""

    id: str
    certificate: Certificate


class Improved(msgspec.Struct, frozen=True, array_like=True, tag="Improved"):
    """An open opportunity grew: the certificate that is worth more than the one before it."""

    id: str
    certificate: Certificate


class Closed(msgspec.Struct, frozen=True, array_like=True, tag="Closed"):
    """An opportunity is no longer one. `best` is the highest edge that it had, in millionths."""

    id: str
    why: str
    opened_at: Ns
    best: int


class Passed(msgspec.Struct, frozen=True, array_like=True, tag="Passed"):
    """A candidate was passed over: at which stage of the funnel, why, and the numbers."""

    key: str
    stage: str
    reason: str
    numbers: dict[str, int]


class Healed(msgspec.Struct, frozen=True, array_like=True, tag="Healed"):
    """Every book that a gap had made stale was seen whole again."""

    stream: str
    scope: str
    gaps: int


class Found(msgspec.Struct, frozen=True, array_like=True, tag="Found"):
    """Something about a book that a person should know: crossed, broken, mirror off, refused."""

    key: str
    what: str
    detail: str


Note = Opened | Improved | Closed | Passed | Healed | Found


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One envelope, the effects it caused, and the notes of what was decided and why."""

    envelope: Envelope
    effects: tuple[Effect, ...] = ()
    notes: tuple[Note, ...] = ()
