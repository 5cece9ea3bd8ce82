"""A mail server that takes everything and delivers nothing: commands as RFC 5321 has them."""

import asyncio
from typing import Final

import msgspec

LINE_MAX: Final = 1_000
DATA_MAX: Final = 5_000_000


class Got(msgspec.Struct, frozen=True):
    """One message as it came."""

    sender: str
    to: tuple[str, ...]
    data: bytes


class MailServer:
    """`down`: every connection is turned away; `refuse`: the code that answers RCPT, 0: none."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.down = False
        self.refuse = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LINE_MAX * 2)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")

        sender, to = "", list[str]()
        try:
            if self.down:
                say("421 not now")
                return
            say("220 pretend.invalid ESMTP")
            while line := await reader.readline():
                words = line.decode("latin-1").strip()
                verb = words.upper()
                if verb.startswith(("EHLO", "HELO")):
                    say("250-pretend.invalid")
                    say("250 SIZE 5000000")
                elif verb.startswith("MAIL FROM:"):
                    sender, to = _address(words), []
                    say("250 fine")
                elif verb.startswith("RCPT TO:"):
                    if not self.refuse:
                        to.append(_address(words))
                    say(f"{self.refuse} no such receiver" if self.refuse else "250 fine")
                elif verb == "DATA" and to:
                    say("354 go on")
                    self.got.append(Got(sender, tuple(to), await _body(reader)))
                    say("250 kept")
                elif verb in ("RSET", "NOOP"):
                    say("250 fine")
                elif verb == "QUIT":
                    say("221 bye")
                    return
                else:
                    say("503 not like this")
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def _address(words: str) -> str:
    return words.partition(":")[2].strip().partition(" ")[0].strip("<>")


async def _body(reader: asyncio.StreamReader) -> bytes:
    """Lines up to a single dot; dots that were doubled are single again."""
    parts: list[bytes] = []
    size = 0
    while (line := await reader.readline()) not in (b".\r\n", b".\n", b""):
        size += len(line)
        if size > DATA_MAX:
            raise ValueError("too large")
        parts.append(line[1:] if line.startswith(b"..") else line)
    return b"".join(parts)
