"""A strategy that knows what comes next is caught: the event is named, and how to mend it."""

from dutchbook.backtest.check import check
from dutchbook.backtest.generated import generated
from dutchbook.backtest.plan import Plan
from dutchbook.domain.events import BookLevels
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty
from dutchbook.domain.wish import Wish

TAPE = generated(11, Ns(12 * SECOND))
FEW = Plan("probe", params={"probe": {"one_in": 60, "hold_s": 3}}, seed=3)


class Peeker:
    """Buys YES of a market when the change that comes `ahead` of the one it is at raises the bid.

    It was made with all events at hand, as a strategy is that computed its signals beforehand.
    """

    name = "peeker"
    review = 600 * SECOND
    age_max = 0

    def __init__(self, tape, ahead=1):
        self.ahead = ahead
        self.coming = {}
        for n, (at, event) in enumerate(tape.items):
            if type(event) is BookLevels and not event.snapshot and event.token == 0:
                self.coming.setdefault(event.key, []).append((at, n, event))
        self.bought = set()

    def watches(self, catalogue):
        return [market.key for market in catalogue.instruments() if market.venue == "kalshi"]

    def on_trade(self, trade, view):
        pass

    def decide(self, key, view):
        later = [one for one in self.coming.get(key, ()) if one[0] > view.now][: self.ahead]
        if len(later) < self.ahead or key in self.bought or len(self.bought) >= 3:
            return []
        side, px, size = later[-1][2].levels[0]
        bids = view.bids(key, "yes", 1)
        offer, shown = view.best(key, "yes")
        if side or not size or not bids or px <= bids[0][0] or not shown or offer >= ONE:
            return []
        self.bought.add(key)
        return [Wish("peek", key, "yes", "buy", Px(offer), Qty(10 * ONE), "ioc", False)]


def test_one_event_ahead_is_caught_and_named():
    look = check(Plan("peeker"), TAPE, lambda tape: {"peeker": Peeker(tape)}, points=4)
    assert not look.ok and look.changed > 0
    peek = look.peek
    at, event = TAPE.items[peek.n]
    assert at == peek.event_at > peek.at, "the event that is named comes after the decision"
    key = event.key
    assert f"of {key} (peeker)" in peek.decided and f"of {key}" not in peek.without
    between = [
        one
        for when, one in TAPE.items
        if peek.at < when <= at and type(one) is BookLevels and (one.key, one.token) == (key, 0)
    ]
    assert between == [event], "it is the very next change of that market, no other"
    text = "\n".join(peek.text())
    assert f"BookLevels {key}" in text and "to mend: decide from the view" in text


def test_an_honest_strategy_passes_and_its_decisions_were_compared():
    look = check(FEW, TAPE, points=2)
    assert look.ok and look.changed == 0 and look.decisions > 10


def test_arbitrage_passes():
    look = check(Plan("arbitrage"), TAPE, points=1)
    assert look.ok and look.decisions > 0


class Scaled:
    """Trades on a level of the mean spread over all of the data: the usual leak of a scaler."""

    name = "scaled"
    review = 600 * SECOND
    age_max = 0

    def __init__(self, tape):
        sizes = [e.levels[0][2] for _, e in tape.items if type(e) is BookLevels and e.levels]
        self.mean = sum(sizes) // len(sizes)
        self.done = set()

    def watches(self, catalogue):
        return [market.key for market in catalogue.instruments()][:40]

    def on_trade(self, trade, view):
        pass

    def decide(self, key, view):
        offer, shown = view.best(key, "yes")
        if key in self.done or not shown or offer >= ONE or view.now < TAPE.items[0][0] + SECOND:
            return []
        self.done.add(key)
        qty = Qty(self.mean // 10 // 10_000 * 10_000)
        return [Wish("scaled", key, "yes", "buy", Px(offer), qty, "ioc", False)]


def test_a_mean_over_all_of_the_data_is_caught():
    look = check(Plan("scaled"), TAPE, lambda tape: {"scaled": Scaled(tape)}, points=1)
    assert not look.ok and look.peek.event_at > look.peek.at


class SeldomPeeker(Peeker):
    """Buys what comes along for most of the tape, and peeks in the last third of it alone."""

    def __init__(self, tape):
        super().__init__(tape)
        first, last = TAPE.span
        self.honest_until = last - (last - first) // 3

    def decide(self, key, view):
        if view.now >= self.honest_until:
            return super().decide(key, view)
        offer, shown = view.best(key, "yes")
        if view.now % 40 or not shown or offer >= ONE:
            return []
        return [Wish("seldom", key, "yes", "buy", Px(offer), Qty(ONE), "ioc", False)]


def test_one_that_peeks_seldom_is_caught_where_it_does():
    """No cut of the tape lies near its few decisions by chance."""
    for points in (1, 3):
        look = check(Plan("peeker"), TAPE, lambda tape: {"peeker": SeldomPeeker(tape)},
                     points=points)  # fmt: skip
        assert not look.ok, points
        assert look.peek.event.startswith("BookLevels") and look.peek.event_at > look.peek.at


class Remembers(Peeker):
    """Made with the tape, and reads of it only what it was told already."""

    def decide(self, key, view):
        seen = [one for one in self.coming.get(key, ()) if one[0] < view.now]
        offer, shown = view.best(key, "yes")
        if key in self.bought or len(seen) < 3 or not shown or offer >= ONE:
            return []
        self.bought.add(key)
        qty = Qty((1 + len(seen) % 7) * ONE)
        return [Wish("past", key, "yes", "buy", Px(offer), qty, "ioc", False)]


def test_one_that_reads_the_past_of_its_tape_is_honest():
    look = check(Plan("peeker"), TAPE, lambda tape: {"peeker": Remembers(tape)}, points=3)
    assert look.ok and look.decisions > 10
