"""Told or not, where, when again, when louder: the rules as stories on a clock of their own."""

from datetime import UTC

import pytest

from dutchbook.alerts.buttons import Mint
from dutchbook.alerts.center import Center
from dutchbook.alerts.notice import Accepted, Draft, Muted, Offered
from dutchbook.alerts.press import Press, press
from dutchbook.alerts.rules import Rules, hours
from dutchbook.domain.units import ONE, SECOND

ALL = ("telegram", "discord", "email", "sms")
START = 1_790_020_800 * SECOND  # 2026-09-21 20:00 UTC
KEY = b"k" * 32


class Story:
    def __init__(self, **words):
        self.rules = Rules("paper", words.pop("enabled", ALL), **words)
        self.center = Center(self.rules, Mint(KEY), UTC)
        self.now, self.disk, self.n = START, [], 0

    def tell(self, kind="order_failed", key="", text="[PAPER] x", **words):
        self.n += 1
        name = self.center.offer(Draft(kind, key or f"k{self.n}", text, **words), self.now)
        self.disk += self.center.drain()
        return name

    def wait(self, seconds):
        self.now += int(seconds * SECOND)
        self.center.tick(self.now)
        self.disk += self.center.drain()

    def out(self):
        posts = self.center.due(self.now)
        return [(p.channel, p.notice.kind) for p in posts]

    def deliver(self, *down, ref="1"):
        """Every channel but those that are down takes what is due."""
        told = []
        for post in self.center.due(self.now):
            if post.channel in down:
                self.center.failed(post.notice.id, post.channel, "down", self.now)
            else:
                self.center.sent(post.notice.id, post.channel, ref, self.now)
                told.append((post.channel, post.text))
        self.disk += self.center.drain()
        return told

    def restart(self):
        self.center = Center(self.rules, Mint(KEY), UTC)
        self.center.load(self.disk, self.now)


def offered(story, seconds=40, capital=174_420_000):
    return Offered("o1", 31_000, 31_000, capital, 5_580_000, story.now + seconds * SECOND)


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("opportunity", ("telegram", "discord")), ("whale", ("discord",)),
        ("risk_warning", ("telegram", "sms")), ("daily_loss", ALL), ("system_error", ALL),
        ("fill", ("discord",)), ("order_failed", ("telegram", "discord")),
        ("daily", ("telegram", "email")), ("weekly", ("telegram", "email")),
        ("halt", ("telegram", "discord", "sms")), ("feed_down", ("telegram", "discord")),
    ],
)  # fmt: skip
def test_each_kind_goes_where_the_table_says(kind, where):
    story = Story()
    story.tell(kind)
    assert sorted(channel for channel, _ in story.out()) == sorted(where)


def test_critical_and_high_make_a_sound_the_rest_is_silent():
    story = Story()
    for kind in ("halt", "opportunity", "order_failed", "fill"):
        story.tell(kind)
    loud = {post.notice.kind: not post.silent for post in story.center.due(story.now)}
    assert loud == {"halt": True, "opportunity": True, "order_failed": False, "fill": False}


def test_the_same_matter_is_told_once():
    story = Story()
    assert story.tell(key="basket:b1") and not story.tell(key="basket:b1")
    story.wait(601)
    assert story.tell(key="basket:b1")


def test_more_than_five_a_minute_go_into_a_digest_within_three_seconds():
    story = Story()
    for n in range(12):
        story.tell(text=f"[PAPER] order {n}")
    assert len(story.deliver()) == 10  # five, on two channels
    story.wait(3)
    (one, two) = story.deliver()
    assert one[1].startswith("[PAPER] 🗂 7 more alerts\n• [PAPER] order 5") and one[1] == two[1]


def test_refusals_are_a_digest_at_most_once_a_minute():
    story = Story()
    told = []
    for _ in range(120):
        story.tell("refused", text="[PAPER] ⛔ Refused  ann: per_market")
        story.wait(1)
        told += story.deliver()
    assert [channel for channel, _ in told] == ["discord"] * 2
    assert sum(int(t.split("🗂 ")[1].split()[0]) for _, t in told) >= 60


def test_in_quiet_hours_little_things_wait_and_only_critical_rings():
    story = Story(quiet=hours("20:00-07:00"))
    story.tell("fill")
    story.tell("opportunity")
    story.tell("halt")
    posts = story.center.due(story.now)
    assert {(p.notice.kind, p.silent) for p in posts} == {("opportunity", True), ("halt", False)}
    story.restart()
    story.wait(11 * 3_600)  # what waited is on disk, and is told in the morning
    assert "fill" in {kind for _, kind in story.out()}


def test_a_channel_that_is_down_for_a_minute_loses_nothing():
    story = Story(enabled=("telegram", "discord", "email"))
    names = [story.tell(kind) for kind in ("daily", "opportunity", "halt")]
    for _ in range(30):
        story.deliver("telegram")
        story.wait(2)
    lives = story.center.book.lives
    assert all(lives[name].confirmed for name in names)
    # The daily report went by email though Telegram was down: that is enough.
    assert lives[names[0]].channels["telegram"].due is None
    story.wait(30)
    assert [channel for channel, _ in story.deliver()] == ["telegram"]  # CRITICAL, everywhere


def test_the_fallback_is_asked_at_the_first_failure():
    story = Story(enabled=("discord", "telegram", "email"))
    story.tell("fill")
    story.deliver("discord")
    assert [channel for channel, _ in story.deliver()] == ["telegram"]


def test_critical_is_tried_until_a_channel_confirms_and_the_siren_sounds_meanwhile():
    story = Story()
    name = story.tell("halt")
    for _ in range(3_000):
        story.wait(60)
        story.deliver(*ALL)
    assert not story.center.book.lives[name].confirmed
    assert story.center.siren(story.now).startswith("no channel took:")
    story.wait(60)
    assert story.deliver() and story.center.siren(story.now) == ""


def test_nobody_reacts_to_a_critical_alert_for_fifteen_minutes():
    story = Story(enabled=(*ALL, "pager", "slack"))
    story.tell("trouble", text="[PAPER] 🚨 basket b1 is open")
    story.deliver()
    story.wait(899)
    assert story.deliver() == []
    story.wait(1)
    told = dict(story.deliver())
    assert set(told) >= {"pager", "slack"}
    assert told["pager"].startswith("‼ Nobody reacted for 15 min\n[PAPER] 🚨")
    story.wait(3_600)
    assert story.deliver() == []


def test_whoever_reacts_stops_it():
    story = Story(enabled=(*ALL, "pager"))
    name = story.tell("trouble")
    story.deliver()
    press(story.center, Press("telegram", "@ann", True, alert=name, act="ack"), story.now)
    story.wait(1_000)
    assert "pager" not in {channel for channel, _ in story.deliver()}


def test_mute_and_off_do_not_silence_critical():
    story = Story(loud_of={"whale": "off"})
    story.center.do(Muted("all", story.now + 60 * SECOND, "ann", story.now))
    assert not story.tell("whale") and not story.tell("opportunity") and story.tell("halt")
    story.wait(61)
    assert not story.tell("whale") and story.tell("opportunity")


def test_after_a_restart_at_any_record_everything_still_arrives():
    """The process dies after each record in turn; what was accepted by then is delivered."""
    told = Story()
    for n in range(8):
        told.tell("opportunity" if n % 2 else "halt", offered=offered(told) if n % 2 else None)
        told.deliver("telegram" if n < 4 else "discord")
        told.wait(1)
    for size in range(1, len(told.disk)):
        story = Story()
        story.disk, story.now = told.disk[:size], told.now
        story.restart()
        for _ in range(40):
            story.deliver()
            story.wait(31)
        names = [r.notice.id for r in story.disk if isinstance(r, Accepted)]
        assert names and all(story.center.book.lives[name].confirmed for name in names)


def test_press_in_one_channel_and_the_others_show_it():
    story = Story()
    name = story.tell("opportunity", offered=offered(story))
    story.deliver(ref="7")
    data = story.center.book.mint.data(name, "dismiss")
    assert press(story.center, Press("telegram", "@ann", True, data), story.now).ok
    posts = story.center.due(story.now)
    assert {(p.channel, p.ref, p.buttons) for p in posts} == {
        ("telegram", "7", ()), ("discord", "7", ()),
    }  # fmt: skip
    assert posts[0].text.endswith("✖ Dismissed by @ann 20:00:00")


def test_execute_is_asked_twice_above_the_limit_and_first_click_wins():
    story = Story(execute="one_tap", one_tap_under=10 * ONE)
    name = story.tell("opportunity", offered=offered(story))
    small = story.tell("opportunity", offered=offered(story, capital=9 * ONE))
    mint = story.center.book.mint

    def push(who, alert, act, allowed=True):
        event = Press("telegram", who, allowed, mint.data(alert, act))
        return press(story.center, event, story.now)

    assert push("@eve", name, "execute", allowed=False).text == "You are not allowed to do this."
    assert push("@ann", name, "confirm").execute is None
    assert push("@ann", name, "execute").execute is None
    assert story.center.due(story.now)[0].buttons[0].label == "✅ Yes, execute $174.42"
    assert push("@bob", name, "confirm").execute is not None
    assert [push("@ann", name, act).ok for act in ("execute", "confirm")] == [False, False]
    assert push("@ann", small, "execute").execute is not None
    story.wait(41)
    late = story.tell("opportunity", offered=offered(story, -1))
    assert push("@ann", late, "execute").text == "⌛ Not sent: its time is over."
    audit = [(p.who, p.act, p.ok) for p in story.center.book.audit]
    assert audit[:4] == [("@eve", "execute", False), ("@ann", "confirm", False),
                         ("@ann", "execute", True), ("@bob", "confirm", True)]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d[:-1] + "A", lambda d: "x:" + "0" * 16 + d[18:], lambda d: d.upper(),
        lambda d: "", lambda d: "y" + d[1:],
    ],
)  # fmt: skip
def test_button_data_can_be_neither_guessed_nor_changed(change):
    story = Story()
    name = story.tell("opportunity", offered=offered(story))
    data = story.center.book.mint.data(name, "execute")
    assert len(data.encode()) == 31 and data.startswith("x:")
    changed = change(data)
    if changed != data:
        assert not press(story.center, Press("telegram", "@a", True, changed), story.now).ok
    assert Mint(b"other" * 6 + b"ab").read(data) is None
