"""From a trigger to a person and back: real protocols, pretend messengers, virtual time."""

import logging
import re
from pathlib import Path

import pytest

from dutchbook.alerts.notice import Accepted, Draft, Held, Offered, Released, Sent
from dutchbook.alerts.press import Press
from dutchbook.alerts.words import clean
from dutchbook.domain.events import Envelope, OperatorAsked
from dutchbook.domain.step import BasketBegun, Refused, Step
from dutchbook.domain.units import SECOND, Ns
from dutchbook.storage.alertlog import FILE, read

from .desk import HOOK, TOKEN, Apps, Desk

ANN, EVE = 9, 66


@pytest.fixture
async def desk(tmp_path):
    made = Desk(tmp_path)
    made.alerting.start()
    yield made
    await made.stop()


def offer(desk, seconds=40, key="opportunity:o1", text="[PAPER] ⚡ Arbitrage"):
    until = Ns(desk.clock.now() + seconds * SECOND)
    offered = Offered("o1", 31_000, 31_000, 174_420_000, 5_580_000, until)
    return desk.alerting.offer(Draft("opportunity", key, text, why="because", offered=offered))


def answer(desk, *notes):
    """What the engine decided of the last press."""
    event = desk.told[-1]
    desk.alerting.saw(Step(Envelope(9, desk.clock.now(), event), (), notes))


async def test_execute_pressed_ten_times_asks_the_engine_once(desk):
    offer(desk)
    await desk.wait(1)
    queries = [desk.bot.press(1, "✅ Execute $174.42", ANN, "ann") for _ in range(10)]
    await desk.wait(1)
    (event,) = desk.told
    name = next(iter(desk.alerting.center.book.lives))
    life = desk.alerting.center.book.lives[name]
    assert event == OperatorAsked("@ann", "execute", (name, "o1", "31000",
                                                      str(life.notice.offered.until)))  # fmt: skip
    assert [query for query, _ in desk.bot.answers] == queries
    assert [text for _, text in desk.bot.answers] == ["Sending …"] + [
        "Already pressed by @ann."
    ] * 9
    answer(desk, Refused(name, "edge", "fees eat the edge", {"edge": 6_000, "alerted": 31_000}))
    await desk.wait(2)
    message = desk.bot.messages["1", 1]
    assert desk.bot.texts()[0].endswith("⌛ Not sent: edge now 0.6¢ (< 70 % of 3.1¢).")
    assert message["reply_markup"] == {"inline_keyboard": []}
    (there,) = desk.discord.messages.values()
    assert "Not sent" in there["content"] and there["components"] == []


async def test_a_stranger_a_group_and_a_forged_button_get_nothing(desk):
    offer(desk)
    await desk.wait(1)
    data = desk.bot.messages["1", 1]["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    desk.bot.press(1, "✅ Execute", EVE, "eve")
    desk.bot.push(data, 1, ANN, "ann", chat=-5)
    desk.bot.push("x:" + "0" * 16 + data[18:], 1, ANN)
    desk.bot.push(data[:19] + "A" * 12, 1, ANN)
    desk.bot.write("/kill", EVE)
    await desk.wait(1)
    assert desk.told == []
    assert [text for _, text in desk.bot.answers] == [
        *["You are not allowed to do this."] * 2, *["This button is not known here any more."] * 2,
    ]  # fmt: skip
    audit = [(row.who, row.ok) for row in desk.alerting.center.book.audit]
    assert audit == [("@eve", False), ("@ann", False)]
    assert desk.bot.texts()[-1] == "Your id is 66; it is not on the allow-list."


async def test_after_its_time_the_button_says_so_and_nothing_is_asked(desk):
    offer(desk)
    await desk.wait(42)
    desk.bot.press(1, "✅ Execute", ANN, "ann")
    await desk.wait(1)
    assert desk.told == [] and desk.bot.answers[-1][1] == "⌛ Not sent: its time is over."
    assert desk.bot.messages["1", 1]["reply_markup"] == {"inline_keyboard": []}


async def test_a_press_is_remembered_over_a_crash_so_it_trades_once(desk, tmp_path):
    offer(desk)
    await desk.wait(1)
    desk.bot.press(1, "✅ Execute", ANN, "ann")
    await desk.wait(1)
    assert len(desk.told) == 1
    again = desk.make(tmp_path, {})  # the process died before the engine answered
    life = next(iter(again.center.book.lives.values()))
    assert life.executed_by == "@ann"
    again.follower.resume(desk.clock.now())
    assert life.settled.text == "⌛ Not sent: the run ended before."
    data = again.mint.data(life.notice.id, "execute")
    assert not again.press(Press("telegram", "@ann", True, data)).ok and len(desk.told) == 1


async def test_why_mute_and_dismiss(desk):
    offer(desk)
    await desk.wait(1)
    desk.bot.press(1, "ℹ Why", ANN)
    desk.bot.press(1, "🔕 1 h", ANN)
    await desk.wait(1)
    assert desk.bot.texts()[1] == "because" and "quiet until" in desk.bot.answers[1][1]
    assert offer(desk, key="opportunity:o2") == ""
    desk.bot.press(1, "✖ Dismiss", ANN, "ann")
    await desk.wait(1)
    assert "✖ Dismissed by @ann" in desk.bot.texts()[0]


async def test_with_telegram_down_for_a_minute_nothing_is_lost(desk):
    desk.apps.down = {"t"}
    for n in range(4):
        offer(desk, key=f"opportunity:{n}", text=f"[PAPER] number {n}")
        desk.alerting.offer(Draft("halt", f"halt:{n}", f"[PAPER] 🛑 {n}"))
    await desk.wait(60)
    assert len(desk.discord.messages) >= 8 and desk.bot.texts() == []
    desk.apps.down = set()
    await desk.wait(61)
    halts = [text for text in desk.bot.texts() if text.startswith("[PAPER] 🛑")]
    assert halts == [f"[PAPER] 🛑 {n}" for n in range(4)]
    assert all(life.confirmed for life in desk.alerting.center.book.lives.values())


async def test_both_down_and_a_restart_and_still_it_arrives(desk, tmp_path):
    desk.apps.down = {"t", "d"}
    offer(desk)
    desk.alerting.offer(Draft("fill", "f1", "[PAPER] 💵 Fill"))
    await desk.wait(5)
    await desk.alerting.stop(0)
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"type":"sent","id":"torn')  # a crash in the middle of a line
    desk.apps = Apps({"t": desk.bot.app(), "d": desk.discord.app()})
    desk.alerting = desk.make(tmp_path, {})
    desk.alerting.start()
    await desk.wait(5)
    there = [message["content"] for message in desk.discord.messages.values()]
    assert [sum(word in text for text in there) for word in ("Arbitrage", "Fill")] == [1, 1]
    assert sum("Arbitrage" in text for text in desk.bot.texts()) == 1
    assert sum("circuit breaker open" in text for text in there) == 2  # and that is told, too
    assert (tmp_path / FILE).read_bytes().endswith(b"\n")


KINDS = ("opportunity", "order_failed", "fill", "whale", "risk_warning", "feed_down", "trouble",
         "resolution", "service", "external")  # fmt: skip


async def test_a_hundred_triggers_a_minute_are_delivered_within_five_seconds(desk, tmp_path):
    """p99 over two minutes, digests counted with what they hold; none is lost."""
    began = {}
    for n in range(200):
        key = f"t{n}"
        began[key] = desk.clock.now()
        desk.alerting.offer(Draft(KINDS[n % len(KINDS)], key, f"[PAPER] {key}"))
        await desk.wait(0.6)
    await desk.wait(6)
    arrived, waiting, of, last = {}, {}, {}, ""
    for record in read(tmp_path):
        if isinstance(record, Held):
            waiting.setdefault(record.group, []).append(record.draft.key)
        elif isinstance(record, Accepted):
            last = record.notice.id
            of[last] = [record.notice.key]
        elif isinstance(record, Released):
            of[last] = waiting.pop(record.group)
        elif isinstance(record, Sent):
            for key in of[record.id]:
                arrived.setdefault(key, record.at)
    assert set(began) <= set(arrived)
    spans = sorted((arrived[key] - at) / SECOND for key, at in began.items())
    assert spans[int(len(spans) * 0.99)] <= 5.0


HOSTILE = [
    "<b>bold</b> <script>alert(1)</script> &amp; &lt;", "*x* _y_ ~~z~~ `c` ||s|| # h > q [a](http://e)",
    "@everyone <@1> <#2> @here", "a\x00b\x1b[31m\u202eevil\r\nInjected: yes", "A" * 1_000_000,
    "\ud83d half", "{token} {webhook} {0.__class__} %s ${jndi:x}", "🤡" * 3_000,
]  # fmt: skip


@pytest.mark.parametrize("title", HOSTILE)
async def test_hostile_titles_are_shown_as_they_are_and_bounded(desk, title):
    line = f"[PAPER] {clean(title)}\n{clean(title, 3_900)}"
    desk.alerting.offer(Draft("opportunity", "k", line, clean(title), why=clean(title)))
    await desk.wait(2)
    (seen,) = desk.bot.texts()  # the pretend Telegram refuses markup that does not parse
    assert seen.split("\n")[0] == f"[PAPER] {clean(title)}"
    (there,) = desk.discord.messages.values()
    assert there["allowed_mentions"] == {"parse": []} and len(there["content"]) <= 2_000
    plain = re.sub(r"\\([^0-9A-Za-z\s])", r"\1", there["content"])
    assert plain.startswith(f"[PAPER] {clean(title)}"[:150])
    for mark in ("@", "<", "*", "`", "[", "_", "|"):
        assert re.search(rf"(?<!\\){re.escape(mark)}", there["content"].replace("\\\\", "")) is None


async def test_tokens_are_in_no_log_no_error_and_no_file(desk, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    desk.apps.down = {"t", "d"}  # its error holds the whole address
    offer(desk)
    await desk.wait(3)
    desk.apps.down = set()
    desk.bot.limit = 1
    await desk.wait(3)
    desk.bot.limit = 0
    await desk.wait(40)
    assert desk.bot.texts()
    files = b"".join(p.read_bytes() for p in Path(tmp_path).glob("*") if p.is_file())
    kept = repr(desk.alerting.status()) + caplog.text
    for canary in (TOKEN, "canary", HOOK):
        assert canary not in kept and canary.encode() not in files


async def test_a_run_that_takes_it_itself_says_so_under_the_alert(desk):
    offer(desk)
    begun = BasketBegun("b1", "o1", "cross_venue", 1, 1, 1, 1, (), Ns(0), 1)
    desk.alerting.saw(
        Step(Envelope(3, desk.clock.now(), OperatorAsked("x", "y", ())), (), (begun,))
    )
    assert desk.alerting.follower._baskets["b1"].who == "dutchbook"
