"""A small venue whose protocol shows every kind of wish, for the stories about the driver."""

import json

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import BookLevels
from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Bucket, Call, Dial, Redial, Send, Sign, Wake

URL = "ws://toy/a"


def book(px, stream="toy.a"):
    return BookLevels("toy:M", 0, stream, True, False, [(0, px, 1_000_000)])


class Toy:
    """Frames: {"px": n} is a book; {"do": "redial"|"boom"|"bad"|"wake"|"call"} is a wish."""

    name = "toy"

    def __init__(self, streams=("toy.a",), bucket=Bucket("read", 10, 5), calls=0, signed=False):
        self._streams = streams
        self._bucket = bucket
        self._calls = calls
        self._signed = signed
        self._ready = not calls
        self.heard = []
        self.heartbeat = 0

    def streams(self):
        return self._streams

    def buckets(self):
        return (self._bucket,)

    def ready(self):
        return self._ready

    def call(self, name, cost=1):
        sign = (Sign("k", name, "X-SIGNATURE"),) if self._signed else ()
        return Call(name, "GET", f"http://toy/{name}", bucket="read", cost=cost, sign=sign)

    def start(self, now):
        return [self.call(f"c{n}") for n in range(self._calls)]

    def dial(self, stream, now):
        url = f"ws://toy/{stream.rpartition('.')[2]}"
        return Dial(url, {"X-TIME": str(now)}, (), "PING", Ns(self.heartbeat))

    def on_open(self, stream, now):
        self.heard.append(("open", stream))
        return [Send(stream, b"subscribe")]

    def on_frame(self, stream, data, now):
        message = json.loads(data)
        if "px" in message:
            return [book(message["px"], stream)]
        wish = message["do"]
        if wish == "grow":
            self._streams += (message["stream"],)
            return []
        if wish == "bad":
            raise RemoteProtocolError("toy", "do", "is bad", market="toy:M")
        return {
            "redial": [Redial(stream, "told to")],
            "wake": [Wake("t", Ns(now + SECOND * message.get("s", 1)))],
            "call": [self.call("asked")],
        }[wish]

    def on_down(self, stream, now, why):
        self.heard.append(("down", stream, why))
        return []

    def on_reply(self, call, status, body, now):
        self.heard.append(("reply", call, status, bytes(body)))
        self._ready = True
        return []

    def on_lost(self, call, sent, now):
        self.heard.append(("lost", call, sent))
        return []

    def on_wake(self, token, now):
        self.heard.append(("wake", token, now))
        return []

    def do(self, effect, now):
        return [self.call(f"urgent:{effect.keys[0]}")]
