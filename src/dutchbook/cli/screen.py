"""What a person sees while a run goes on: a header, one line per event, a table at the end."""

import time
from typing import TYPE_CHECKING, Any

from dutchbook.cli.out import safe, say
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.step import (
    Accepted,
    BasketBegun,
    BasketMoved,
    Closed,
    Drifted,
    Found,
    HaltMoved,
    Healed,
    Improved,
    Opened,
    Passed,
    Quarantined,
    RampMoved,
    Reconciled,
    Refused,
    Step,
)
from dutchbook.domain.units import ONE, SECOND

if TYPE_CHECKING:
    from dutchbook.runtime.feeds import Addresses
    from dutchbook.runtime.live import Live
    from dutchbook.runtime.settings import Settings

SKIPS_A_SECOND = 2
TOLD_MAX = 10_000


class Screen:
    """Prints to standard error, so that standard output stays the answer."""

    def __init__(self, settings: "Settings", as_json: bool) -> None:
        self.settings = settings
        self.as_json = as_json
        self._second = (0, 0)
        self._told: dict[tuple[str, str, str], None] = {}

    def start(self) -> None:
        from dutchbook import __version__

        mode = self.settings.mode.upper()
        say(f"dutchbook {__version__}  ·  mode {mode}  ·  seed {self.settings.seed}")
        if self.settings.mode == "sim":
            say("  starting the pretend exchanges (both emulated on this machine) ...")
        else:
            words = {"paper": "live books, pretend money: no order leaves this machine"}
            say(f"  {words.get(self.settings.mode, 'REAL MONEY: orders go to the venues')}")

    def ready(self, live: "Live", addresses: "Addresses") -> None:
        """The exchanges listen; the engine is about to connect."""
        assert addresses.kalshi is not None and addresses.polymarket is not None
        say(f"  exchanges kalshi {addresses.kalshi.ws}   polymarket {addresses.polymarket.ws}")
        say(f"  record    {live.house.data_dir}  (from seq {live.first_seq}, run {live.run})")
        for text in live.odd:
            say(f"  repaired  {safe(text)}")
        say("  second terminal: dutchbook status --watch · dutchbook opps · dutchbook why")
        say("─" * 78)

    def watch(self, live: "Live", step: Step) -> None:
        """One line per thing worth knowing; skips are thinned."""
        stamp = time.strftime("%H:%M:%S", time.localtime(step.envelope.at / SECOND))
        pulled: dict[str, list[str]] = {}
        for note in step.notes:
            if isinstance(note, Found) and note.what == "quotes_pulled":
                pulled.setdefault(note.detail, []).append(note.key)
                continue
            text = self._line(live, note)
            if text:
                say(f"{stamp}  {text}")
        for why, keys in pulled.items():
            where = title(live, keys[0]) if len(keys) == 1 else f"{len(keys)} markets"
            say(f"{stamp}  PULL  {safe(why)}: quotes of {where}")

    def _line(self, live: "Live", note: object) -> str:
        if isinstance(note, Opened):
            return _opened(live, note.id, note.certificate)
        if isinstance(note, Improved):
            proved, size = note.certificate.proved / ONE, note.certificate.qty / ONE
            return f"MORE  {note.id}  proved ${proved:.2f} on size {size:g}"
        if isinstance(note, Closed):
            return f"GONE  {note.id}  best {cents(note.best)}/$1  ({note.why})"
        if isinstance(note, Healed):
            return f"FEED  {note.stream} whole again after {note.gaps} gap(s) of {note.scope[:24]}"
        if isinstance(note, Found):
            where = f"{title(live, note.key)}: " if note.key else ""
            return f"FEED  {where}{note.what}: {safe(note.detail)}"
        if isinstance(note, Passed):
            return self._skip(live, note)
        if isinstance(note, Refused):
            what, reason = named(live, note.what), named(live, note.reason)
            return f"NO    {what}  {note.check}: {reason}"
        return _traded(note)

    def _skip(self, live: "Live", note: Passed) -> str:
        """Once for each candidate and reason, and a few in a second: the journal has them all."""
        now, known = int(time.monotonic()), (note.key, note.stage, note.reason)
        self._second = (now, self._second[1] + 1 if now == self._second[0] else 1)
        if known in self._told or self._second[1] > SKIPS_A_SECOND:
            return ""
        self._told[known] = None
        if len(self._told) > TOLD_MAX:
            self._told.clear()
        sizes = note.stage in ("depth", "sized")
        numbers = ", ".join(f"{name} {number(name, n, sizes)}" for name, n in note.numbers.items())
        kind, _, rest = note.key.partition(":")
        what = f"{kind} {safe(rest)[:40]}".strip()
        return f"SKIP  {what}: {note.stage}: {safe(note.reason)} ({numbers})"

    def reckoning(self, size: int) -> None:
        """The wire log is read again, at some 10 MB a second."""
        if size > 20_000_000:
            say(f"ended; reckoning against the wire log ({size // 1_000_000} MB) ...")

    def end(self, result: dict[str, Any]) -> None:
        """The table of the run, for people."""
        if self.as_json:
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(title=f"run {result['run']}", show_header=False)
        for key, value in result.items():
            if isinstance(value, str | int | float) or value is None:
                table.add_row(key.replace("_", " "), str(value))
        Console(stderr=True).print(table)
        say(
            "next: dutchbook opps · dutchbook why · dutchbook replay "
            + str(self.settings.data_path())
        )


def cents(micros: int) -> str:
    """Millionths of a dollar as cents with a sign: 31_000 -> +3.10¢."""
    return f"{micros / 10_000:+.2f}¢"


def number(name: str, value: int, sizes: bool = False) -> str:
    """A number of the why-not ledger: sizes in contracts, money in cents, counts as they are.

    `sizes`: of the stage in which what is needed and what is short are sizes, too.
    """
    if name in ("size", "depth", "qty", "of") or (sizes and name in ("need", "short")):
        return f"{value / ONE:g}"
    return str(value) if name in ("leg", "levels", "under_way") else cents(value)


def named(live: "Live", text: str) -> str:
    """A text of a decision with markets by their names: ids of Polymarket are 66 letters long."""
    known = live.engine.world.instruments
    words = [(word, word.rstrip(":,")) for word in text.split(" ")]
    return " ".join(
        f"“{title(live, key)}”{word[len(key) :]}" if key in known else safe(word)
        for word, key in words
    )


def title(live: "Live", key: str) -> str:
    """A market's name for a line."""
    found = live.engine.world.instruments.get(key)
    return safe(f"{found.title} [{found.outcome}]"[:60]) if found else safe(key[:60])


def _traded(note: object) -> str:
    """What became of money: baskets, refusals, halts, and what does not add up."""
    if isinstance(note, BasketBegun):
        legs = f"{len(note.legs)} legs of {note.qty / ONE:g}"
        return f"TRADE {note.id}  {note.kind}: {legs} for at most ${note.capital / ONE:.2f}"
    if isinstance(note, BasketMoved):
        locked = (
            f"  ${note.locked / ONE:+.2f}" if note.stage in ("done", "unwound", "stuck") else ""
        )
        left = f"  left open: {len(note.residual)} legs" if note.residual else ""
        return f"{note.stage.upper():5} {note.id}{locked}  {safe(note.why)}{left}"
    if isinstance(note, RampMoved):
        return f"RAMP  step {note.step + 1}: {note.why}"
    if isinstance(note, HaltMoved):
        return f"HALT  {safe(note.scope)} {note.level or 'released'}: {safe(note.why)} ({note.by})"
    if isinstance(note, Quarantined):
        return f"ODD   {note.code} {safe(note.what)}: {safe(note.detail)}"
    if isinstance(note, Drifted):
        return f"DRIFT {note.venue} {safe(note.what)}: ours {note.ours}, theirs {note.theirs}"
    if isinstance(note, Accepted):
        return f"MONEY {note.venue} {note.cash / ONE:+.2f}: {safe(note.why)} ({safe(note.by)})"
    if isinstance(note, Reconciled):
        return f"BOOKS {note.venue} {'agree: trading is open' if note.ok else 'are not compared'}"
    return ""


def _opened(live: "Live", name: str, certificate: Certificate) -> str:
    legs = " + ".join(
        f"BUY {leg.instrument.split(':')[0].capitalize()} {leg.outcome.upper()}"
        f" {leg.fills[0].px / 10_000:g}¢"
        for leg in certificate.legs[:3]
    )
    more = f" + {len(certificate.legs) - 3} more" if len(certificate.legs) > 3 else ""
    size, profit = certificate.qty / ONE, certificate.proved / ONE
    what = title(live, certificate.legs[0].instrument)
    return (
        f"OPP   {name}  {cents(certificate.edge)}/$1 net, proved ${profit:.2f}  {legs}{more}"
        f"  size {size:g}  “{what}”"
    )
