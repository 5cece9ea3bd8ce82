"""What stops trading, as days of an account: who stopped it, how hard, and who let it go on."""

from dutchbook.domain.account_events import AccountSeen
from dutchbook.domain.effects import Alert
from dutchbook.domain.events import OperatorAsked, RunStarted
from dutchbook.domain.step import Found, HaltMoved
from dutchbook.domain.units import DAY, ONE, SECOND, Ns, Usd
from dutchbook.risk.halt import Overseer
from dutchbook.risk.limits import RiskLimits
from dutchbook.state.account import Account

MORNING = Ns(20_000 * DAY + 3_600 * SECOND)


def anything(kind, name):
    """Every venue, market and strategy is there."""
    return ""


class Days:
    """An account with $1,000 at Kalshi, and the overseer that watches it."""

    def __init__(self, **limits):
        self.now = MORNING
        self.account = Account()
        self.account.apply(RunStarted("r1", "sim", 7, "0", "", "e1"), self.now, 1)
        seen = AccountSeen("kalshi", "us", self.now, Ns(0), Usd(1_000 * ONE), (), (), ())
        self.account.apply(seen, self.now, 2)
        self.overseer = Overseer(RiskLimits(**limits))
        self.look()

    def look(self):
        """A tick: the halts that it moved."""
        return self._told(self.overseer.watch(self.account, None, self.now))

    def says(self, verb, *args):
        return self._told(
            self.overseer.operator(
                OperatorAsked("ann", verb, args), self.account, self.now, anything
            )
        )

    def lose(self, dollars):
        self.account.ledger.earned("loss", "kalshi", -dollars * ONE, "x")
        return self.look()

    def next_day(self):
        self.now = Ns(self.now + DAY)
        return self.look()

    def restart(self):
        state = self.account.take()
        self.account = Account()
        self.account.restore(state)

    @property
    def level(self):
        halt = self.account.halts.get("all")
        return halt.level if halt else ""

    def _told(self, outs):
        for out in outs:
            if not isinstance(out, Alert):
                self.account.note(out, self.now)
        return [out.level for out in outs if isinstance(out, HaltMoved)]


def test_a_breaker_that_lets_more_through_does_not_replace_a_persons_pause():
    days = Days()
    assert days.says("pause", "all") == ["pause"]
    days.lose(30)
    days.next_day()
    assert days.lose(30) == []  # 6 % below the peak would halve
    assert (days.level, days.account.halts["all"].by) == ("pause", "ann")
    assert days.says("resume", "all") == [""]
    assert days.look() == ["halve"]  # her pause is over, the loss is not


def test_a_person_may_pause_what_is_halved_or_reduced_only():
    for first, second, level in ((30, 30, "halve"), (45, 60, "reduce")):
        days = Days(day_loss_alert=500_000, day_loss_halt=900_000)
        days.lose(first)
        assert days.lose(second) == [level]
        assert days.says("pause", "all") == ["pause"]
        assert days.level == "pause"


def test_what_is_stopped_harder_already_is_said_to_be():
    days = Days()
    days.says("halt", "all")
    outs = days.overseer.operator(
        OperatorAsked("ann", "pause", ("all",)), days.account, days.now, anything
    )
    assert outs == [Found("all", "pause", "it is stopped already (halt)")]


def test_the_loss_of_a_day_does_not_hide_the_drawdown():
    """7 % lost on the day that ends 15 % below the peak: it is the drawdown that counts."""
    days = Days()
    levels = []
    for loss in (45, 45, 70):
        levels += days.lose(loss)
        levels += days.next_day()
    assert levels == ["halve", "halt"]
    assert days.account.halts["all"].why == f"{160 * ONE} below the peak"


def test_a_resume_holds_for_its_level_until_the_next_day_and_over_a_restart():
    days = Days()
    assert days.lose(60) == ["pause"]
    assert days.says("resume", "all") == [""]
    assert days.look() == []
    days.restart()
    assert days.look() == [] and days.lose(10) == []
    assert days.lose(40) == ["halt"]  # 11 %: stricter than what she overruled
    assert days.says("resume", "all") == [""]
    assert days.lose(5) == [] and days.level == ""
    days.next_day()
    assert days.level == "reduce"  # a new day: 11.5 % below the peak counts again


def test_a_drawdown_that_was_overruled_stays_so_today():
    days = Days(drawdown_basis="start", day_loss_alert=500_000, day_loss_halt=900_000)
    assert days.lose(60) == ["halve"]
    days.says("resume", "all")
    assert days.look() == []
    assert days.lose(50) == ["reduce"]
    days.says("resume", "all")
    assert days.look() == [] and days.lose(50) == ["halt"]


def test_the_pause_of_a_days_loss_ends_with_the_day_and_nothing_else_does():
    """Spec 05: at 5 % no new risk until the next day or a person resumes; 10 % needs a person."""
    days = Days(drawdown_basis="day")
    assert days.lose(60) == ["pause"] and days.look() == []
    days.restart()
    assert days.next_day() == [""] and days.level == ""
    assert days.lose(20) == [] and days.lose(80) == ["halt"]
    assert days.next_day() == [] and days.level == "halt"
    asked = Days()
    asked.says("pause", "all")
    assert asked.next_day() == [] and asked.level == "pause"


def test_the_next_day_a_drawdown_still_counts_from_its_first_moment():
    days = Days()
    assert days.lose(60) == ["pause"]
    assert days.next_day() == ["halve"]  # 6 % below the peak, in the step that ends the pause
    assert days.look() == []
