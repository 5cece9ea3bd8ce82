"""P9: what recovery folds out of the recorded steps is, to the byte, what the run had."""

from hypothesis import given
from hypothesis import strategies as st

from dutchbook.domain.account_events import AccountSeen, OrderSeen, VenueMode
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.events import OperatorAsked, RunStarted
from dutchbook.domain.orders import Holding
from dutchbook.domain.step import Drifted
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.engine.trading import Trading
from dutchbook.runtime.bootstrap import EngineSettings, trading_of
from unit.account.test_account import EVENTS, NOW, P, _event, fill, order
from unit.account.test_not_ours import theirs

ACCOUNTS = (("kalshi", "us"), ("polymarket", "us"))
VERBS = (
    ("pause",), ("halt",), ("resume",), ("kill",), ("clear_kill", "admin", "looked"),
    ("cancel_all",), ("flatten",), ("accept", "polymarket", "a deposit"),
)  # fmt: skip


class Dark:
    """A view that has no markets: nothing can be priced."""

    def instrument(self, key):
        raise KeyError(key)


class Pair:
    """A run, and the same from its recorded steps."""

    def __init__(self):
        self.live, self.back = self._made(), self._made()
        self.seq, self.at = 0, NOW

    @staticmethod
    def _made() -> Trading:
        return trading_of(EngineSettings(accounts=dict(ACCOUNTS)))

    def tell(self, event=None, order=None):
        """One step: an event, a tick, or an order that was decided."""
        self.seq, self.at = self.seq + 1, Ns(self.at + SECOND)
        live = self.live
        placed = ()
        if order is not None:
            placed = (SubmitOrder(order),)
            live.account.record(placed[0], self.at)
        elif event is None:
            live.tick(Dark(), self.at, self.seq)
        else:
            live.hear(event, Dark(), self.at, self.seq)
        effects, notes = live.drain()
        self.back.fold(event, (*placed, *effects), tuple(notes), self.at, self.seq)
        assert live.account.take() == self.back.account.take()
        return notes

    def report(self, *fills, cash=0, held=0, orders=()):
        holdings = (Holding(P, "yes", Qty(held * ONE)),) if held else ()
        since = Ns(max(0, self.at - 90 * SECOND))
        money = Usd(1_000 * ONE + cash)
        return AccountSeen("polymarket", "us", self.at, since, money, holdings, orders, fills)


def test_a_fill_that_is_not_ours_is_a_breach_in_the_run_and_after_it():
    pair = Pair()
    pair.tell(RunStarted("r1", "live", 7, "0", "", "e1", ACCOUNTS))
    pair.tell(pair.report())
    notes = pair.tell(pair.report(theirs(P), cash=-4 * ONE, held=10))
    assert Drifted("polymarket", "fill:t9", 0, 10 * ONE, "external") in notes
    assert pair.live.account.breached == pair.back.account.breached == pair.at


MORE = st.lists(
    st.one_of(
        st.tuples(st.just("tick")),
        st.builds(lambda n: ("verb", n), st.integers(0, len(VERBS) - 1)),
        st.builds(lambda n: ("stray", n), st.integers(0, 3)),
        st.builds(lambda n: ("other", n), st.integers(0, 3)),
        st.tuples(st.just("report"), st.integers(-2, 2), st.integers(0, 2), st.integers(0, 4)),
        st.builds(lambda n: ("mode", n), st.integers(0, 1)),
        st.just(("start",)),
    ),
    max_size=30,
)


def _other(n, status="open"):
    """An open order of somebody else."""
    size = Qty(10 * ONE)
    return OrderSeen(
        "polymarket", "us", "", f"x{n}", P, "yes", "buy", Px(300_000), size, status, Qty(n * ONE)
    )


def _made(pair, step):
    """The event of a step of MORE; the others are of EVENTS."""
    kind, *rest = step
    if kind == "verb":
        verb, *args = VERBS[rest[0]]
        return OperatorAsked("ann", verb, tuple(args))
    if kind == "stray":
        return theirs(P, f"s{rest[0]}", provisional=rest[0] == 1)
    if kind == "other":
        return _other(rest[0], "open" if rest[0] < 3 else "canceled")
    if kind == "report":
        cash, held, seen = rest
        fills = (theirs(P, f"s{seen}"), fill(order("o1"), f"t{seen}"))
        orders = tuple(_other(n) for n in range(seen))
        return pair.report(*fills, cash=cash * ONE, held=held, orders=orders)
    if kind == "mode":
        return VenueMode("polymarket", ("open", "paused")[rest[0]], "said")
    return RunStarted("r", "live", 7, "0", "", "e", ACCOUNTS)


@given(EVENTS, MORE, st.randoms(use_true_random=False))
def test_any_run_is_recovered_to_the_byte(orders, more, chance):
    pair = Pair()
    pair.tell(RunStarted("r0", "live", 7, "0", "", "e0", ACCOUNTS))
    pair.tell(pair.report())
    steps = [*orders, *more]
    chance.shuffle(steps)
    for step in steps:
        if step[0] == "place":
            pair.tell(order=order(f"o{step[1]}"))
        elif step[0] in ("tick", "verb", "stray", "other", "report", "mode", "start"):
            pair.tell(None if step[0] == "tick" else _made(pair, step))
        else:
            pair.tell(_event(step, order(f"o{step[1]}") if len(step) > 1 else None))
