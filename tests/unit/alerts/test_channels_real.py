"""Sockets, a mail server and one-way targets as they are; breakers; addresses that are refused."""

import asyncio
import email
import email.policy

import pytest

from dutchbook.channels.base import Delivered, Failed, Key, Message
from dutchbook.channels.deadman import DeadMan
from dutchbook.channels.discord import Config as DiscordAt
from dutchbook.channels.discord import Discord
from dutchbook.channels.email import Config as EmailAt
from dutchbook.channels.email import Email
from dutchbook.channels.oneway import OneWay
from dutchbook.channels.telegram import Config as TelegramAt
from dutchbook.channels.telegram import Telegram
from dutchbook.domain.errors import ConfigError
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import SECOND, Ns
from dutchbook.emulators.messengers.house import TOKEN, Messengers
from dutchbook.io.breaker import KNOWN, Breaker
from dutchbook.io.courier import Courier
from dutchbook.io.guard import Guarded, is_public, why_not
from dutchbook.io.mail import Apprise, NotTaken, Server, Smtp
from dutchbook.io.ports import Lost
from dutchbook.runtime.clock import SystemClock
from dutchbook.venues.base import Call

TEXT = "[PAPER] 🛑 HALT  day loss −$100.40 <b>&</b>\nline two"


@pytest.fixture
async def house():
    made = Messengers()
    await made.start()
    yield made
    await made.stop()


class Ends:
    def __init__(self):
        self.outs, self.more = [], asyncio.Event()

    def __call__(self, channel, out):
        self.outs.append((channel, out))
        self.more.set()

    async def some(self, count):
        async with asyncio.timeout(20):
            while len(self.outs) < count:
                self.more.clear()
                await self.more.wait()


def courier(channel, ends, secrets, sender=None, find=None):
    guard = Guarded(local=True) if find is None else Guarded(find=find)
    return Courier(channel, ends, clock=SystemClock(), transport=guard, secrets=secrets,
                   sender=sender)  # fmt: skip


async def test_over_sockets_each_channel_shows_it_and_confirms(house):
    ends = Ends()
    mail = Email(EmailAt("bot@example.org", ("ann@example.org", "bob@example.org"), "live"))
    secrets = {"telegram.token": Secret(TOKEN), "discord.webhook": Secret(house.webhook)}
    made = [
        courier(Telegram(TelegramAt(house.telegram_url, "1")), ends, secrets),
        courier(Discord(DiscordAt()), ends, secrets),
        courier(mail, ends, {}, Smtp(Server("127.0.0.1", house.mail.port, "none"))),
    ]
    link = Key("Seen", "x:1", "https://box.example/a?b=1&c=2")
    message = Message("m1", TEXT, "HALT – day loss", (link,), (("Loss", "<$100>"),), at=SECOND)
    for one in made:
        one.start()
        one.send(message)
    await ends.some(3)
    assert {(name, type(out)) for name, out in ends.outs} == {
        ("telegram", Delivered), ("discord", Delivered), ("email", Delivered),
    }  # fmt: skip
    assert house.bot.texts() == [TEXT]
    (got,) = house.mail.got
    assert got.to == ("ann@example.org", "bob@example.org")
    read = email.message_from_bytes(got.data, policy=email.policy.default)
    assert read["Subject"] == "[dutchbook live] HALT – day loss"
    page = read.get_body(("html",)).get_content()
    assert "<th align='left'>Loss</th><td>&lt;$100&gt;</td>" in page and "<b>" not in page
    assert TEXT in read.get_body(("plain",)).get_content().replace("\r\n", "\n")
    for one in made:
        await one.stop()
        await one.transport.close()


async def test_a_header_can_not_be_smuggled_into_a_mail():
    mail = Email(EmailAt("bot@example.org", ("ann@example.org",)))
    subject = "hi\r\nBcc: eve@example.org\r\n\r\nbody"
    (out,) = mail.send(Message("m", "x\r\n.\r\nRCPT TO:<eve@example.org>", subject), Ns(0))
    read = email.message_from_bytes(out.data, policy=email.policy.default)
    assert read["Bcc"] is None and read["Subject"].startswith("[dutchbook sim] hi")


async def test_a_mail_server_that_refuses_or_is_gone_says_why_and_no_password(house):
    server = Server("127.0.0.1", house.mail.port, "none", "ann", Secret("canary-pass"))
    (mail,) = Email(EmailAt("b@example.org", ("a@example.org",))).send(Message("m", "x"), Ns(0))
    whys = []
    for change in ("auth", "refuse", "down"):
        if change == "refuse":
            server = Server("127.0.0.1", house.mail.port, "none")
            house.mail.refuse = 550
        house.mail.down = change == "down"
        with pytest.raises(NotTaken) as no:
            await asyncio.to_thread(Smtp(server).send, mail)
        whys.append((no.value.why, no.value.for_good))
    assert "canary" not in repr(whys) and [good for _, good in whys] == [False, True, False]


async def test_sms_pager_and_slack_go_through_apprise():
    apprise = pytest.importorskip("apprise", reason="the extra notify is not installed")
    got = []

    @apprise.decorators.notify(on="dutchtest")
    def taken(body, title, notify_type, *args, **kwargs):
        got.append((title, body))

    for name in ("pager", "slack"):
        ends = Ends()
        one = courier(OneWay(name), ends, {}, Apprise(name, Secret("dutchtest://x")))
        one.send(Message("m1", TEXT, "HALT", sms="short"))
        await ends.some(1)
        assert ends.outs == [(name, Delivered("m1"))]
    ends = Ends()
    one = courier(OneWay("sms", short=True), ends, {}, Apprise("sms", Secret("dutchtest://x")))
    one.send(Message("m2", TEXT, "HALT", sms="DUTCHBOOK LIVE HALT"))
    await ends.some(1)
    assert [body for _, body in got] == [TEXT, TEXT, "DUTCHBOOK LIVE HALT"]
    for url in ("pagerduty://key@token", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/"):
        Apprise("pager", Secret(url))  # both services are known by name
    with pytest.raises(ConfigError) as no:
        Apprise("sms", Secret("nosuch://canary"))
    assert "canary" not in str(no.value)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00:ec2::254",
     "fe80::1%eth0", "0.0.0.0", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "100.64.0.1"],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_refused_at_the_moment_of_connecting(address):
    async def find(host, port):
        return ["93.184.216.34", address]

    assert not is_public(address)
    guard = Guarded(find=find)
    with pytest.raises(Lost, match="its network"):
        await guard.call(Call("c", "GET", "https://hooks.example/canary"), {})
    await guard.close()


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "gopher://x/", "http://hooks.example/", "https://user@hooks.example/",
     "https://hooks.example:22/", "https://", "https://hooks.example:6379/", "https://[::1"],
)  # fmt: skip
def test_addresses_that_are_never_called(url):
    assert why_not(url)


async def test_a_redirect_is_not_followed(house):
    async def find(host, port):
        return ["127.0.0.1"]

    guard = Guarded(local=True, find=find)
    reply = await guard.call(Call("c", "GET", f"{house.telegram_url}/nowhere"), {})
    assert reply.status == 404
    await guard.close()


async def test_the_dead_mans_switch_calls_every_minute():
    man = DeadMan()
    call, wake = man.start(Ns(0))
    assert call.url == "{deadman}" and wake.at == 60 * SECOND
    assert len(man.on_wake("ping", Ns(60 * SECOND))) == 2 and man.calls == 2


@pytest.mark.parametrize(
    ("service", "failures", "rest"), [("polymarket", 5, 60), ("kalshi", 3, 120)]
)
def test_a_breaker_opens_rests_tries_three_times_and_closes(service, failures, rest):
    changes = []
    breaker = Breaker(service, told=changes.append)
    for n in range(failures):
        assert breaker.refuses(Ns(n)) == ""
        breaker.failed_with("status 500", Ns(n))
    assert f"open for {rest} s more" in breaker.refuses(Ns(failures - 1))
    later = Ns((rest + 1) * SECOND)
    assert breaker.refuses(later) == "" and breaker.state == "half_open"
    breaker.succeeded(later)
    breaker.failed_with("no answer", later)
    assert breaker.refuses(later)
    last = Ns(later + rest * SECOND)
    for _ in range(3):
        breaker.succeeded(last)
    assert [c.state for c in changes] == ["open", "half_open", "open", "half_open", "closed"]


def test_one_good_answer_between_failures_keeps_it_closed():
    breaker = Breaker("kalshi")
    for _ in range(10):
        breaker.failed_with("x", Ns(0))
        breaker.failed_with("x", Ns(0))
        breaker.succeeded(Ns(0))
    assert breaker.state == "closed"


def test_where_writes_matter_a_person_resets_it():
    breaker = Breaker("postgres")
    assert not KNOWN["redis"].auto
    breaker.failed_with("x", Ns(0))
    breaker.failed_with("x", Ns(0))
    assert "until somebody resets it" in breaker.refuses(Ns(10**18))
    breaker.succeeded(Ns(10**18))
    assert breaker.state == "open"
    breaker.reset("ann", Ns(10**18))
    assert breaker.state == "closed"


async def test_an_open_breaker_refuses_aloud_and_lets_critical_pass(house):
    ends = Ends()
    one = courier(Telegram(TelegramAt(house.telegram_url, "1")), ends,
                  {"telegram.token": Secret(TOKEN)})  # fmt: skip
    for _ in range(5):
        one.breaker.failed_with("status 502", one.clock.now())
    one.send(Message("m1", "x"))
    assert isinstance(ends.outs[0][1], Failed) and "circuit breaker" in ends.outs[0][1].why
    one.send(Message("m2", "y", critical=True))
    await ends.some(2)
    assert isinstance(ends.outs[1][1], Delivered)
    await one.stop()
    await one.transport.close()
