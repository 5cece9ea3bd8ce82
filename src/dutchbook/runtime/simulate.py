"""Mode sim: both exchanges as a child process, the engine against them, then the reckoning."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from dutchbook.domain.certificate import Certificate
from dutchbook.domain.errors import DutchbookError
from dutchbook.domain.step import Closed, Improved, Opened, Step
from dutchbook.emulators.score import Find, score
from dutchbook.runtime import kernels
from dutchbook.runtime.bootstrap import House
from dutchbook.runtime.exchange import Exchange
from dutchbook.runtime.feeds import Addresses
from dutchbook.runtime.links import read_links
from dutchbook.runtime.live import EXCHANGES_ENDED, Live
from dutchbook.runtime.settings import Settings
from dutchbook.runtime.truth import settle_up
from dutchbook.runtime.vouching import doubts
from dutchbook.storage import lock
from dutchbook.storage.reader import read_steps

OUTCOMES = ("yes", "no")
JOINT = "combinatorial"
QUEUE_BOUND_MS = 8_000
Watch = Callable[[Live, Step], None]


class Reported:
    """The opportunities of one run in the form that a checker reads."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.portfolios: list[tuple[str, Certificate]] = []

    def see(self, live: Live, step: Step) -> None:
        at = step.envelope.at
        for note in step.notes:
            if isinstance(note, Opened | Improved) and note.certificate.kind == JOINT:
                self.portfolios.append((note.id, note.certificate))
            if isinstance(note, Opened):
                self.rows[note.id] = row(note.id, note.certificate, at)
            elif isinstance(note, Improved) and note.id in self.rows:
                grown = row(note.id, note.certificate, self.rows[note.id]["opened_at"])
                self.rows[note.id] = grown
            elif isinstance(note, Closed) and note.id in self.rows:
                self.rows[note.id]["closed_at"] = at

    def finds(self) -> list[Find]:
        """What is reckoned against the plants, which are patterns: nobody plants portfolios of the
        optimiser, so `vouching` judges them."""
        return [
            Find(
                row["id"],
                frozenset((leg["market"], OUTCOMES.index(leg["outcome"])) for leg in row["legs"]),
                row["opened_at"],
                row["closed_at"],
            )
            for row in self.rows.values()
            if row["kind"] != JOINT
        ]


def row(name: str, certificate: Certificate, at: int) -> dict[str, Any]:
    """An opened opportunity as plain data: legs, fills, edge in millionths, times in ns."""
    legs = [
        {
            "market": leg.instrument,
            "outcome": leg.outcome,
            "qty": leg.qty,
            "fills": [[fill.px, fill.qty] for fill in leg.fills],
        }
        for leg in certificate.legs
    ]
    return {
        "id": name,
        "kind": certificate.kind,
        "at": certificate.at,
        "capital": certificate.capital,
        "proved": certificate.proved,
        "groups": [
            [kind, list(group.members)]
            for group in certificate.groups
            for kind in ("exclusive", "exhaustive")
            if getattr(group, kind)
        ],
        "legs": legs,
        "opened_at": at,
        "closed_at": None,
        "edge": certificate.edge,
        "links": [proof.link.id for proof in certificate.links],
    }


async def simulate(
    settings: Settings,
    seconds: float | None,
    *,
    faults: str,
    plants: Path | None,
    watch: Watch,
    ready: Callable[[Live, Addresses], None] = lambda live, addresses: None,
    reckoning: Callable[[int], None] = lambda size: None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Run mode sim and return its summary, reckoned against the exchanges' own truth.

    `reckoning` is told the size of the wire log, in bytes, before that is read.
    """
    settings = within_bounds(settings)
    data_dir = Path(settings.data_path())
    reported = Reported()

    def both(live: Live, step: Step) -> None:
        reported.see(live, step)
        watch(live, step)

    lock.check(data_dir)
    if kernels.is_cold():
        kernels.ready(say)
    exchange, _ = await asyncio.gather(
        Exchange.start(data_dir, settings.seed, faults, plants),
        asyncio.to_thread(kernels.ready, say),
    )
    try:
        at = exchange.addresses
        live = Live(
            House(settings, at), both,
            alive=lambda: exchange.alive, quiet=lambda: exchange.send(signal.SIGUSR1),
        )  # fmt: skip
        ready(live, at)
        await live.go(seconds, read_links(Path(at.links), "generator"))
        traded = await settle_up(live, at) if exchange.alive else {}
        if live.why == EXCHANGES_ENDED:
            raise DutchbookError(
                f"{EXCHANGES_ENDED} under the run",
                why=exchange.last_words,
                todo=f"run again; what was seen before is kept in {data_dir}",
            )
    finally:
        await exchange.stop()
    rows = list(reported.rows.values())
    told = Path(at.truth).with_name("opportunities.jsonl")
    told.write_bytes(msgspec.json.Encoder().encode_lines(rows))
    reckoning(Path(at.wire).stat().st_size)
    marks = msgspec.structs.asdict(score(Path(at.wire), Path(at.truth), reported.finds()))
    record = read_steps(data_dir, live.first_seq - 1)
    wrong = doubts(reported.portfolios, record, Path(at.truth))
    marks["false_opportunities"] += len(wrong)
    marks["false"] = (*marks["false"], *wrong)
    return summary(live, settings) | traded | marks | {"doubts": wrong}


def within_bounds(settings: Settings) -> Settings:
    """The pretend exchanges sit on no request for longer than this; real ones may."""
    execution = settings.execution
    if execution.queue_bound_ms <= QUEUE_BOUND_MS:
        return settings
    execution = msgspec.structs.replace(execution, queue_bound_ms=QUEUE_BOUND_MS)
    return msgspec.structs.replace(settings, execution=execution)


def summary(live: Live, settings: Settings) -> dict[str, Any]:
    """What a run says at its end; counts are those at the moment when it was sealed."""
    return {
        "mode": settings.mode,
        "seed": settings.seed,
        "run": live.run,
        "venues": list(live.drivers),
        "markets": len(live.engine.world.instruments),
        **live.counts,
        "opportunities": live.engine.opened_in_run,
        "journal_seq": live.store.seq,
        "first_seq": live.first_seq,
        "digest": live.loop.digest.hex(),
        "ended": live.why,
    }
