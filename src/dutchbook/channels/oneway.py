"""SMS and everything else that is told and never answers, nor can be edited; email is one."""

from dutchbook.channels.base import TEXT_MAX, Delivered, Failed, Message, Notify, Out, cut, sound
from dutchbook.domain.units import Ns
from dutchbook.venues.base import Bucket


class OneWay:
    """`short`: only the SMS form of an alert is sent."""

    def __init__(self, name: str, *, short: bool = False) -> None:
        self.name = name
        self.short = short

    def buckets(self) -> tuple[Bucket, ...]:
        return ()

    def start(self, now: Ns) -> list[Out]:
        return []

    def send(self, message: Message, now: Ns) -> list[Out]:
        if self.short:
            return [Notify(message.key, "", message.sms)]
        title = " ".join(cut(sound(message.subject), 150).split())
        return [Notify(message.key, title, cut(sound(message.text), TEXT_MAX))]

    def edit(self, ref: str, message: Message, now: Ns) -> list[Out]:
        return [Delivered(message.key)]

    def answer(self, token: str, text: str, now: Ns) -> list[Out]:
        return []

    def say(self, chat: str, text: str, now: Ns) -> list[Out]:
        return []

    def on_reply(self, call: str, status: int, body: bytes, now: Ns) -> list[Out]:
        return []

    def on_lost(self, call: str, sent: bool, now: Ns) -> list[Out]:
        return []

    def on_done(self, key: str, why: str, for_good: bool, now: Ns) -> list[Out]:
        return [Failed(key, f"{self.name}: {why}", for_good=for_good)] if why else [Delivered(key)]

    def on_wake(self, token: str, now: Ns) -> list[Out]:
        return []
