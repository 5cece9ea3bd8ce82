"""Money that moves between the pretend Kalshi's exchange indexes."""

from typing import Any, Final

import msgspec

from dutchbook.emulators.kalshi.auth import KEY, nested
from dutchbook.emulators.kalshi.wishes import decoded
from dutchbook.emulators.past import Past
from dutchbook.emulators.wire.rest import Ask, Path, Refusal
from dutchbook.emulators.wire.text import iso
from dutchbook.sim.desk import Desk

ONE_PLACE: Final = "/portfolio/intra_exchange_instance_transfer"
CENTICENT: Final = 100


class Wanted(msgspec.Struct):
    """`amount` in hundredths of a cent."""

    source: str
    destination: str
    amount: int
    source_exchange_shard: int = 0
    destination_exchange_shard: int = 0


class Transfers:
    """The venue carries them out later; here they are done when they are asked for."""

    def __init__(self, desk: Desk, past: Past, owners: dict[str, str]) -> None:
        self._desk = desk
        self._past = past
        self._owners = owners
        self._done: list[tuple[str, dict[str, Any]]] = []

    def paths(self) -> list[Path]:
        return [
            Path(ONE_PLACE, self._move, "POST", "write create", keep=True),
            Path(f"{ONE_PLACE}s", self._list, gate="auth"),
            Path(f"{ONE_PLACE}s/{{id}}", self._one, gate="auth"),
        ]

    def _owner(self, ask: Ask) -> str:
        return self._owners.get(ask.headers.get(KEY) or "", "")

    def _move(self, ask: Ask) -> Any:
        wish, owner = decoded(ask.body, Wanted), self._owner(ask)
        shards = (wish.source_exchange_shard, wish.destination_exchange_shard)
        event = wish.source == wish.destination == "event_contract"
        if not event or wish.amount <= 0 or any(not 0 <= shard <= 3 for shard in shards):
            raise Refusal(400, nested("invalid_parameters", "source, destination or amount"))
        cash = wish.amount * CENTICENT
        if self._desk.free(owner, shards[0]) < cash:
            raise Refusal(400, nested("insufficient_balance", "insufficient balance"))
        self._desk.bank.fund(owner, shards[0], -cash)
        self._desk.bank.fund(owner, shards[1], cash)
        self._past.note(owner, ask.now)
        name = f"transfer-{len(self._done) + 1:08d}"
        row = msgspec.to_builtins(wish) | {
            "transfer_id": name,
            "status": "completed",
            "created_ts": iso(ask.now),
        }
        self._done.append((owner, row))
        return {"transfer_id": name}

    def _rows(self, ask: Ask) -> list[dict[str, Any]]:
        owner = self._owner(ask)
        return [row for name, row in self._done if name == owner]

    def _list(self, ask: Ask) -> Any:
        return {"transfers": self._rows(ask), "cursor": ""}

    def _one(self, ask: Ask) -> Any:
        for row in self._rows(ask):
            if row["transfer_id"] == ask.names["id"]:
                return {"transfer": row}
        raise Refusal(404, nested("not_found", "transfer not found"))
