"""Order groups: the venue itself cancels everything when too much matches within 15 seconds."""

from typing import Any, Final

from msgspec import Struct

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.units import Ns
from dutchbook.venues.base import Out
from dutchbook.venues.kalshi.answers import decoded
from dutchbook.venues.kalshi.asker import safe
from dutchbook.venues.kalshi.errors import bad
from dutchbook.venues.kalshi.inquiries import REST
from dutchbook.venues.kalshi.limits import CANCEL, WRITE, Costs, wait
from dutchbook.venues.kalshi.order_bytes import count_text, encode
from dutchbook.venues.kalshi.requests import Answer, Done, Later, Requests
from dutchbook.venues.kalshi.wire import Name

ROOT: Final = "/portfolio/order_groups"
TRIES: Final = 5


class _Made(Struct):
    order_group_id: Name


class Held(Struct, frozen=True):
    """Orders that wait for a reset: how to send them, and what to say if they are not sent."""

    then: Later
    instead: list[Any]


class Groups:
    """One group per shard that is asked for. `ids`: shard -> group, as soon as it is there.

    `trip` is the dead-man's switch: the venue cancels all orders of the groups and takes no new
    ones. `ready` undoes it before the next order goes out.
    """

    def __init__(self, requests: Requests, costs: Costs, ids: dict[int, str]) -> None:
        self.requests = requests
        self.config = requests.config
        self.costs = costs
        self.ids = ids
        self.tripped: dict[str, None] = {}
        self.held: list[Held] = []

    def start(self) -> list[Out]:
        """Create the groups, where the settings ask for them."""
        if not self.config.group_contracts:
            return []
        return [self._create(shard, 1) for shard in self.config.group_shards]

    def trip(self) -> list[Out]:
        """Have the venue cancel all orders of every group, and refuse new ones."""
        self.tripped = dict.fromkeys(self.ids.values())
        held, self.held = self.held, []
        refused = [out for one in held for out in one.instead]
        puts = [self._put(name, "trigger", lambda answer, now: []) for name in self.tripped]
        return [*refused, *puts]

    def ready(self, held: Held, now: Ns) -> list[Out]:
        """Send orders now, or once the groups that were tripped are reset."""
        if not self.tripped:
            return held.then(now)
        first = not self.held
        self.held.append(held)
        if not first:
            return []
        return [self._put(name, "reset", self._reset(name)) for name in self.tripped]

    def _reset(self, name: str) -> Done:
        def done(answer: Answer, now: Ns) -> list[Out]:
            # A reset that failed leaves the group shut: the venue refuses what goes into it.
            self.tripped.pop(name, None)
            if self.tripped:
                return []
            held, self.held = self.held, []
            return [out for one in held for out in one.then(now)]

        return done

    def _put(self, name: str, verb: str, done: Done) -> Out:
        path = f"{ROOT}/{safe(name)}/{verb}"
        return self.requests.call("PUT", path, done, (), b"{}", CANCEL, self.costs.cancel)

    def _create(self, shard: int, attempt: int) -> Out:
        def done(answer: Answer, now: Ns) -> list[Out]:
            if answer.status in (200, 201):
                try:
                    self.ids[shard] = decoded(answer.body, _Made).order_group_id
                except RemoteProtocolError as error:
                    return [bad(REST, error)]
                return []
            if attempt >= TRIES:
                what = f"no order group on shard {shard}: {answer.why()}"
                return [bad(REST, RemoteProtocolError("kalshi", "order_groups", what))]
            at = Ns(now + wait(attempt))
            return [self.requests.wait(at, lambda _now: [self._create(shard, attempt + 1)])]

        body: dict[str, object] = {
            "contracts_limit_fp": count_text(self.config.group_contracts * 1_000_000),
            "exchange_index": shard,
        }
        if self.config.subaccount is not None:
            body["subaccount"] = self.config.subaccount
        return self.requests.call(
            "POST", f"{ROOT}/create", done, (), encode(body), WRITE, self.costs.create
        )
