"""The dead man's switch: an address is called every minute; silence says that we are gone."""

from typing import Final

from dutchbook.channels.base import Message, Out
from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Bucket, Call, Sign, Wake

EVERY: Final = Ns(60 * SECOND)
ADDRESS: Final = "deadman.url"


class DeadMan:
    """Nobody is told of its outcome: who watches for silence is elsewhere."""

    name = "deadman"

    def __init__(self) -> None:
        self.calls = 0
        self.good = 0

    def buckets(self) -> tuple[Bucket, ...]:
        return ()

    def start(self, now: Ns) -> list[Out]:
        return self.on_wake("ping", now)

    def on_wake(self, token: str, now: Ns) -> list[Out]:
        self.calls += 1
        sign = Sign(ADDRESS, "", kind="reveal", into="{deadman}")
        call = Call(f"ping:{self.calls}", "GET", "{deadman}", sign=(sign,),
                    timeout=Ns(10 * SECOND))  # fmt: skip
        return [call, Wake("ping", Ns(now + EVERY))]

    def on_reply(self, call: str, status: int, body: bytes, now: Ns) -> list[Out]:
        self.good += 200 <= status < 300
        return []

    def on_lost(self, call: str, sent: bool, now: Ns) -> list[Out]:
        return []

    def on_done(self, key: str, why: str, for_good: bool, now: Ns) -> list[Out]:
        return []

    def send(self, message: Message, now: Ns) -> list[Out]:
        return []

    def edit(self, ref: str, message: Message, now: Ns) -> list[Out]:
        return []

    def answer(self, token: str, text: str, now: Ns) -> list[Out]:
        return []

    def say(self, chat: str, text: str, now: Ns) -> list[Out]:
        return []
