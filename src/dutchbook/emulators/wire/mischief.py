"""Puts the planned faults of one venue onto its connections, one after the other."""

from collections.abc import Iterator
from random import Random
from typing import Protocol

from dutchbook.domain.units import MILLI
from dutchbook.emulators.faults import SLOW_MS, START_NS, Fault
from dutchbook.emulators.wire.log import WireLog
from dutchbook.emulators.wire.outbox import Frame, Item, Outbox

REORDER_NS = 300 * MILLI


class Victim(Protocol):
    """What a venue offers to its faults."""

    def flip_tick(self, now: int) -> str:
        """Make the grid of some market finer, or coarse again; return its name, "" if none."""
        ...

    def spoil(self, frame: Frame, how: str) -> tuple[str | bytes, bool] | None:
        """The malformed form of a frame, and whether it must not stand in the real one's place."""
        ...


class Mischief:
    """`poll` starts what is due; `through` is asked about every frame before it is queued.

    `scripted` faults come before the planned ones.
    """

    def __init__(
        self,
        venue: str,
        plan: Iterator[Fault],
        victim: Victim,
        log: WireLog,
        start_after: int = START_NS,
    ) -> None:
        self.limited_until = 0
        self.done: dict[str, int] = {}
        self.scripted: list[Fault] = []
        self._start_after = start_after
        self._plan = plan
        self._victim = victim
        self._log = log
        self._random = Random(f"delays-{venue}")
        self._next: Fault | None = next(plan, None)
        self._due: int | None = None
        self._armed: Fault | None = None
        self._held: tuple[Outbox, Frame, int] | None = None
        self._slow: dict[str, tuple[int, int]] = {}

    def poll(self, now: int, boxes: list[Outbox]) -> None:
        """Start the next fault if its time has come; `boxes` are the open connections."""
        if self._held and now > self._held[2]:
            box, frame, _ = self._held
            self._held = None
            box.put([Item(frame.text)])
        if not boxes or self._armed:
            return
        if self.scripted:
            self._start(self.scripted.pop(0), now, boxes)
            return
        if self._next is None:
            return
        if self._due is None:
            self._due = now + self._start_after
        if now >= self._due:
            self._start(self._next, now, boxes)

    def stop(self) -> None:
        """No fault begins any more; what is held back leaves."""
        self._next = self._armed = None
        self._slow.clear()
        if self._held:
            self._held = (*self._held[:2], 0)

    def through(self, box: Outbox, frame: Frame, now: int) -> list[Item]:
        """What is really queued in place of this frame."""
        items = self._touched(box, frame, now)
        slow = self._slow.get(box.name)
        if slow is None:
            return items
        if now > slow[0]:
            del self._slow[box.name]
            return items
        due = max(slow[1], now + self._random.randint(*SLOW_MS) * MILLI)
        self._slow[box.name] = (slow[0], due)
        return [item._replace(fault=item.fault or "slow", due=due) for item in items]

    def forget(self, box: Outbox) -> None:
        """A connection has closed: what was held back for it is lost."""
        self._slow.pop(box.name, None)
        if self._held and self._held[0] is box:
            self._held = None

    def _start(self, fault: Fault, now: int, boxes: list[Outbox]) -> None:
        box = boxes[fault.chance % len(boxes)]
        match fault.kind:
            case "freeze":
                box.hold_until = now + fault.span
            case "slow":
                self._slow[box.name] = (now + fault.span, now)
            case "disconnect":
                box.cut_when_flushed()
            case "429":
                self.limited_until = now + fault.span
            case "tick":
                market = self._victim.flip_tick(now)
                self._log.note(box.name, note="tick", market=market)
            case _:
                self._armed = fault
                return
        if fault.kind != "tick":
            self._log.note(box.name, note=fault.kind, ns=fault.span)
        self._finish(fault, now)

    def _finish(self, fault: Fault, now: int) -> None:
        self.done[fault.kind] = self.done.get(fault.kind, 0) + 1
        self._armed = None
        if fault is self._next:
            self._due = now + fault.span + fault.rest
            self._next = next(self._plan, None)

    def _touched(self, box: Outbox, frame: Frame, now: int) -> list[Item]:
        if self._held and self._held[0] is box:
            return self._swapped(frame, now)
        fault = self._armed
        if fault is None or frame.kind != "delta" or box.hold_until > now or self._held:
            return [Item(frame.text)]
        if fault.kind == "duplicate":
            self._finish(fault, now)
            return [Item(frame.text), Item(frame.text, "duplicate")]
        if fault.kind == "reordered":
            self._held = (box, frame, now + REORDER_NS)
            return []
        if fault.kind == "withheld":
            return self._withheld(box, frame, fault, now)
        return self._malformed(box, frame, fault, now)

    def _swapped(self, frame: Frame, now: int) -> list[Item]:
        assert self._held is not None
        first = self._held[1]
        self._held = None
        if frame.kind != "delta" or frame.sid != first.sid or self._armed is None:
            return [Item(first.text), Item(frame.text)]
        self._finish(self._armed, now)
        return [Item(frame.text, "reordered"), Item(first.text, "reordered")]

    def _withheld(self, box: Outbox, frame: Frame, fault: Fault, now: int) -> list[Item]:
        if not frame.hot:
            return [Item(frame.text)]
        self._finish(fault, now)
        self._log.note(box.name, lost=frame.text, fault="withheld")
        return []

    def _malformed(self, box: Outbox, frame: Frame, fault: Fault, now: int) -> list[Item]:
        spoilt = self._victim.spoil(frame, fault.how)
        if not frame.hot or spoilt is None:
            return [Item(frame.text)]
        self._finish(fault, now)
        data, extra_only = spoilt
        if fault.in_place and not extra_only:
            self._log.note(box.name, lost=frame.text, fault="malformed")
            return [Item(data, "malformed")]
        return [Item(data, "malformed"), Item(frame.text)]
