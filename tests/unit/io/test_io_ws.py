"""The WebSocket client against a real server on the loopback, and against a hand-made one."""

import asyncio
import datetime
import ssl
import zlib
from contextlib import asynccontextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import serve
from websockets.frames import Frame, Opcode

from dutchbook.domain.units import Ns
from dutchbook.io import ports, ws
from dutchbook.io.framing import Framer
from dutchbook.io.ports import FRAME_MAX, Lost
from dutchbook.venues.base import Dial


@pytest.fixture(autouse=True)
def short_goodbyes(monkeypatch):
    """Servers here that never say goodbye need not be waited for as long as real ones."""
    monkeypatch.setattr(ws, "CLOSE_SECONDS", 0.1)


class Heard:
    """Collects what a connection hands over; `until(n)` waits for that many messages."""

    def __init__(self):
        self.frames = []
        self.reads = 0
        self.lost = asyncio.get_running_loop().create_future()
        self._more = asyncio.Event()

    def on_frames(self, frames):
        self.reads += 1
        self.frames += frames
        self._more.set()

    def on_lost(self, why):
        self.lost.set_result(why)

    async def until(self, number):
        while len(self.frames) < number:
            self._more.clear()
            await asyncio.wait_for(self._more.wait(), 20)


@asynccontextmanager
async def served(handler, *, compress=False, headers=None, **more):
    """A client connected to a websockets server that runs `handler`."""
    compression = "deflate" if compress else None
    async with serve(handler, "127.0.0.1", 0, compression=compression, **more) as server:
        port = server.sockets[0].getsockname()[1]
        heard = Heard()
        dial = Dial(f"ws://127.0.0.1:{port}/x?y=1", compress=compress)
        link = await ws.connect(dial, headers or {}, heard.on_frames, heard.on_lost)
        link.resume()
        try:
            yield link, heard
        finally:
            await link.close()


@asynccontextmanager
async def raw_server(play):
    """A TCP server that answers the handshake and then lets `play(reader, writer)` do anything."""
    from websockets.utils import accept_key

    async def handle(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(
            x.split(": ")[1] for x in head.split("\r\n") if x.startswith("Sec-WebSocket-Key")
        )
        extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n" if "deflate" in head else ""
        answer = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"{extension}Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
        )
        await play(answer.encode(), reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


def framed(text, opcode=Opcode.TEXT, fin=True):
    return Frame(opcode, text, fin).serialize(mask=False)


async def opened(url, **more):
    heard = Heard()
    link = await ws.connect(Dial(url, **more), {}, heard.on_frames, heard.on_lost)
    link.resume()
    return link, heard


@pytest.mark.parametrize("compress", [False, True])
async def test_messages_of_every_size_arrive_whole_and_in_order(compress):
    """Lengths around each boundary of the wire format, up to a few megabytes."""
    sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 200_000, 3_000_000, 5]
    texts = [bytes([97 + n % 26]) * size for n, size in enumerate(sizes)]

    async def handler(socket):
        for text in texts:
            await socket.send(text.decode())
        await socket.wait_closed()

    async with served(handler, compress=compress) as (_, heard):
        await heard.until(len(texts))
        assert heard.frames == texts


async def test_headers_path_and_text_reach_the_server():
    got = []

    async def handler(socket):
        got.append((socket.request.path, socket.request.headers["X-A"], await socket.recv()))
        await socket.send("ok")
        await socket.wait_closed()

    async with served(handler, headers={"X-A": "b"}) as (link, heard):
        link.send(b'{"id":1}')
        await heard.until(1)
    assert got == [("/x?y=1", "b", '{"id":1}')]


async def test_a_ping_is_answered_between_messages():
    async def handler(socket):
        await socket.send("before")
        await asyncio.wait_for(await socket.ping(), 10)
        await socket.send("after")
        await socket.wait_closed()

    async with served(handler) as (_, heard):
        await heard.until(2)
        assert heard.frames == [b"before", b"after"]


async def test_a_fragmented_message_is_put_together():
    async def handler(socket):
        await socket.send(["a", "b", "c"])
        await socket.send("d")
        await socket.wait_closed()

    async with served(handler) as (_, heard):
        await heard.until(2)
        assert heard.frames == [b"abc", b"d"]


async def test_the_close_of_the_venue_is_told_with_its_reason():
    async def handler(socket):
        await socket.close(1001, "going away")

    async with served(handler) as (_, heard):
        assert await asyncio.wait_for(heard.lost, 10) == "closed 1001 going away"


async def test_our_close_is_told_once():
    async def handler(socket):
        await socket.wait_closed()

    async with served(handler) as (link, heard):
        await link.close()
        assert heard.lost.result() == "closed by us"
        link.send(b"too late")


async def test_a_cut_is_told():
    async def play(answer, reader, writer):
        writer.write(answer + framed(b"one"))
        await writer.drain()
        writer.transport.abort()

    async with raw_server(play) as url:
        _, heard = await opened(url)
        assert await asyncio.wait_for(heard.lost, 10)
        assert heard.frames in ([b"one"], [])


async def test_messages_that_came_with_the_handshake_wait_for_the_reader():
    """The server writes its answer, a message and half of the next in one packet."""
    go = asyncio.Event()
    half = framed(b"second")

    async def play(answer, reader, writer):
        writer.write(answer + framed(b"first") + half[:4])
        await go.wait()
        writer.write(half[4:])
        await reader.read()

    async with raw_server(play) as url:
        heard = Heard()
        link = await ws.connect(Dial(url), {}, heard.on_frames, heard.on_lost)
        assert heard.frames == []
        link.resume()
        go.set()
        await heard.until(2)
        assert heard.frames == [b"first", b"second"]
        await link.close()


def certificate(folder, name="localhost"):
    """A key and a certificate for `name`, signed by itself, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    day = datetime.timedelta(days=1)
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    (folder / "cert").write_bytes(made.public_bytes(pem))
    return str(folder / "cert"), str(folder / "key")


@pytest.mark.parametrize(
    ("name", "trusted"), [("localhost", True), ("localhost", False), ("elsewhere.org", True)]
)
async def test_only_a_trusted_certificate_of_the_right_name_is_spoken_to(
    tmp_path, monkeypatch, name, trusted
):
    cert, key = certificate(tmp_path, name)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(cert, key)
    ours = ssl.create_default_context(cafile=cert if trusted else None)
    monkeypatch.setattr(ws, "tls", lambda: ours)

    async def handler(socket):
        await socket.send("over TLS")
        await socket.wait_closed()

    async with serve(handler, "127.0.0.1", 0, ssl=theirs) as server:
        url = f"wss://localhost:{server.sockets[0].getsockname()[1]}/"
        if (name, trusted) != ("localhost", True):
            with pytest.raises(Lost, match="CERTIFICATE_VERIFY_FAILED"):
                await opened(url)
            return
        link, heard = await opened(url)
        await heard.until(1)
        await link.close()
        assert (heard.frames, heard.lost.result()) == ([b"over TLS"], "closed by us")


async def test_a_refused_handshake_says_why():
    async def refuse(connection, request):
        return connection.respond(401, "bad signature")

    with pytest.raises(Lost, match="401 bad signature"):
        async with served(lambda socket: None, process_request=refuse):
            raise AssertionError("must not open")


async def test_nobody_there_is_lost_unsent():
    with pytest.raises(Lost) as lost:
        await opened("ws://127.0.0.1:9/")
    assert lost.value.sent is False


@pytest.mark.parametrize("url", ["http://x", "nonsense", "ws://"])
async def test_an_address_that_is_none_is_lost(url):
    with pytest.raises(Lost):
        await opened(url)


async def test_a_frame_beyond_the_limit_ends_the_connection():
    async def play(answer, reader, writer):
        writer.write(answer + bytes((0x81, 127)) + (FRAME_MAX + 1).to_bytes(8, "big") + b"x" * 100)
        await reader.read()
        writer.close()

    async with raw_server(play) as url:
        link, heard = await opened(url)
        assert "PayloadTooBig" in await asyncio.wait_for(heard.lost, 10)
        assert heard.frames == []
        await link.close()


async def test_a_compressed_bomb_ends_the_connection():
    """A few hundred kilobytes that would unpack to more than the limit."""
    packer = zlib.compressobj(9, wbits=-15)
    zeros = b"0" * 1_000_000
    bomb = b"".join(packer.compress(zeros) for _ in range(FRAME_MAX // len(zeros) + 2))
    bomb += packer.flush(zlib.Z_SYNC_FLUSH)[:-4]

    async def play(answer, reader, writer):
        writer.write(answer + bytes((0xC1, 127)) + len(bomb).to_bytes(8, "big") + bomb)
        await reader.read()
        writer.close()

    async with raw_server(play) as url:
        link, heard = await opened(url, compress=True)
        assert "PayloadTooBig" in await asyncio.wait_for(heard.lost, 20)
        assert heard.frames == []
        await link.close()


@pytest.mark.parametrize(
    "wrong",
    [
        bytes((0x81, 0x85)) + b"maskhello",  # a server must not mask
        bytes((0x83, 1)) + b"x",  # reserved opcode
        bytes((0x91, 1)) + b"x",  # reserved bit
        framed(b"c", Opcode.CONT),  # continues nothing
        framed(b"a", fin=False) + framed(b"b"),  # a text inside a fragmented text
        bytes((0x09, 0)),  # a fragmented ping
    ],
)
async def test_a_broken_frame_ends_the_connection(wrong):
    async def play(answer, reader, writer):
        writer.write(answer + framed(b"good") + wrong)
        await reader.read()
        writer.close()

    async with raw_server(play) as url:
        link, heard = await opened(url)
        assert "ProtocolError" in await asyncio.wait_for(heard.lost, 10)
        assert heard.frames == [b"good"]
        await link.close()


async def test_a_frozen_server_is_given_up(monkeypatch):
    """It neither sends nor answers a ping: the watch cuts the connection."""
    monkeypatch.setattr(ws, "PING_SECONDS", 0.02)

    async def play(answer, reader, writer):
        writer.write(answer)
        await asyncio.sleep(30)

    async with raw_server(play) as url:
        _, heard = await opened(url)
        assert await asyncio.wait_for(heard.lost, 10) == "no answer to a ping"


async def test_a_server_that_never_says_goodbye_is_cut():
    async def play(answer, reader, writer):
        writer.write(answer)
        await asyncio.sleep(30)

    async with raw_server(play) as url:
        link, heard = await opened(url)
        await link.close()
        assert heard.lost.done()


async def test_a_paused_connection_hands_over_nothing():
    sent = asyncio.Event()

    async def handler(socket):
        await socket.send("one")
        await socket.recv()
        await socket.send("two")
        sent.set()
        await socket.wait_closed()

    async with served(handler) as (link, heard):
        await heard.until(1)
        link.pause()
        link.send(b"go")
        await sent.wait()
        await asyncio.sleep(0.05)
        assert heard.frames == [b"one"]
        link.resume()
        await heard.until(2)


@given(
    texts=st.lists(st.binary(max_size=400) | st.sampled_from([b"x" * 70_000, b"y" * 65_537])),
    cuts=st.lists(st.integers(0, 5_000)),
    noise=st.lists(st.sampled_from([bytes((0x89, 2)) + b"hi", bytes((0x8A, 0))])),
)
def test_frames_are_the_same_however_the_bytes_are_cut(texts, cuts, noise):
    """Naive twin: all at once, one frame after the other, against any cutting into reads."""
    stream, wanted = b"", b""
    for n, text in enumerate(texts):
        stream += framed(text)
        wanted += framed(text)
        if n < len(noise):
            stream += noise[n]
            wanted += noise[n]
    framer, got, at = Framer(ports.FRAME_MAX), b"", 0
    for size in [*cuts, len(stream)]:
        for whole, piece in framer.cut(stream[at : at + size], True):
            got += framed(piece) if whole else piece
        at += size
    assert got == wanted


def test_dial_asks_for_no_compression_unless_told():
    assert Dial("ws://x").compress is False
    assert Dial("ws://x").heartbeat_every == Ns(0)
