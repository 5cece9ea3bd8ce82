"""The canonical bytes of Steps and the running digest over them: equal digests, equal decisions."""

import hashlib

import msgspec

from dutchbook.domain.step import Step

_encoder = msgspec.msgpack.Encoder(order="deterministic")


def canonical(step: Step) -> bytes:
    """A step as MessagePack: the same step gives the same bytes in every process."""
    return _encoder.encode(step)


class Digest:
    """BLAKE2b-256 over the canonical bytes of every step, in order."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=32)
        self.steps = 0

    def add(self, step: Step) -> None:
        self._hash.update(canonical(step))
        self.steps += 1

    def feed(self, raw: bytes) -> None:
        """As `add`, with the step's canonical bytes at hand (the store returns them)."""
        self._hash.update(raw)
        self.steps += 1

    def hex(self) -> str:
        return self._hash.hexdigest()
