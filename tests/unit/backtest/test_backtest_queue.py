"""Queue positions against a naive twin that keeps every contract of a level in a list."""

from hypothesis import given
from hypothesis import strategies as st

from dutchbook.sim.agenda import NEVER, Agenda
from dutchbook.sim.queue import Place


class Line:
    """A level as the list of whose contracts stand in it, first come first served."""

    def __init__(self, shown):
        self.line = ["theirs"] * shown
        self.ours = len(self.line)  # our order stands behind all of them

    def trade(self, qty):
        """Contracts are taken from the front; what is left over when nobody is ahead is ours."""
        ahead = min(self.ours, qty)
        del self.line[:ahead]
        self.ours -= ahead
        got = qty - ahead
        del self.line[: min(got, len(self.line) - self.ours)]
        return got

    def join(self, qty):
        self.line += ["theirs"] * qty

    def cancel_behind(self, qty):
        """The worst that can be: whoever cancels stood behind us, as far as there are any."""
        for _ in range(qty):
            if self.line:
                self.line.pop()
        self.ours = min(self.ours, len(self.line))


MOVES = st.lists(
    st.tuples(st.sampled_from(["trade", "join", "cancel"]), st.integers(1, 6)), max_size=30
)


@given(st.integers(0, 20), MOVES)
def test_back_is_the_worst_place_that_the_book_allows(shown, moves):
    twin, place = Line(shown), Place(shown, "back")
    for what, qty in moves:
        if what == "trade":
            qty = min(qty, len(twin.line)) or 1
            level = len(twin.line)
            assert place.traded(qty) == twin.trade(qty)
            del level
        elif what == "join":
            twin.join(qty)
        else:
            twin.cancel_behind(qty)
        place.moved(len(twin.line))
        assert place.ahead == twin.ours


@given(st.integers(1, 1_000), st.integers(0, 1_000))
def test_share_moves_on_with_cancels_in_proportion_and_never_past_the_level(shown, left):
    left = min(left, shown)
    back, share = Place(shown, "back"), Place(shown, "share")
    share.ahead = back.ahead = shown // 2
    back.moved(left)
    share.moved(left)
    half = shown // 2
    assert share.ahead == min(left, half - (shown - left) * half // shown)
    assert back.ahead == min(left, half) >= share.ahead


def test_a_decrease_that_trades_explain_is_no_cancel():
    place = Place(100, "share")
    assert place.traded(30) == 0
    place.moved(70)
    assert place.ahead == 70
    assert place.traded(90) == 20


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from(["", "a", "b"])), max_size=40))
def test_agenda_gives_back_in_order_and_forgets_what_was_replaced(puts):
    agenda, twin = Agenda(), {}
    for n, (at, name) in enumerate(puts):
        agenda.put(at, n, name)
        twin[name or n] = (at, n)
    told = []
    while agenda.at < NEVER:
        told.append(agenda.pop())
    assert told == sorted(twin.values())
