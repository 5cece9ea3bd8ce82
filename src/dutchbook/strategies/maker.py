"""Market making: two quotes around a fair value, wider where it is risky, leaning against stock.

What it remembers of a market (volatility, the last quotes, since when it holds too much) it has
learnt since it began to work: a restart begins anew, with what it holds known from the account.
"""

from dutchbook.domain.candidate import Catalogue
from dutchbook.domain.events import TradePrinted
from dutchbook.domain.fees import fill_fee
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.orders import Action
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty
from dutchbook.domain.wish import QuoteView, Wish
from dutchbook.strategies import logit
from dutchbook.strategies.fair import (
    Links,
    Top,
    Volatility,
    down,
    fair,
    rebate,
    reward,
    top,
    up,
)
from dutchbook.strategies.maker_config import Config

TEN = 10 * ONE
"""Inventory is told in steps of ten contracts."""


class Quoted:
    """What was decided for a market last, and on what."""

    __slots__ = ("at", "centre", "crossed", "heavy", "net", "volatility", "wishes")

    def __init__(self) -> None:
        self.at = Ns(-1)
        self.centre = 0
        self.net = 0
        self.wishes: list[Wish] = []
        self.heavy = Ns(0)
        self.crossed = Ns(0)
        self.volatility = Volatility()


class Maker:
    """A `Quoter`; slots "bid" and "ask" in YES terms, "cross" where stock must go at once."""

    name = "maker"

    def __init__(self, config: Config) -> None:
        self.config = config
        self.review = config.review_s * SECOND
        self.age_max = config.age_s * SECOND
        self._links: Links | None = None
        self._known: dict[str, Quoted] = {}

    def watches(self, catalogue: Catalogue) -> list[str]:
        """The busiest open markets whose least order is within a quote's size."""
        self._links = Links(catalogue)
        config = self.config
        fit = [
            one for one in catalogue.instruments()
            if one.status == "open" and one.size_min <= config.order
        ]  # fmt: skip
        fit.sort(key=lambda one: (-one.volume, one.key))
        return [one.key for one in fit[: config.markets_max]]

    def leans_on(self, key: str) -> list[str]:
        """Markets that links say are the same, or its opposite."""
        return [other for other, _ in self._links.of.get(key, ())] if self._links else []

    def on_trade(self, trade: TradePrinted, view: QuoteView) -> None:
        """Prices of books say enough: trades are not used."""

    def decide(self, key: str, view: QuoteView) -> list[Wish]:
        """Quotes for a market; the same ones while nothing that matters has changed."""
        config, market = self.config, view.instrument(key)
        known = self._known.setdefault(key, Quoted())
        one = top(key, view)
        if one is None or self._ends(market, view.now):
            return self._none(known)
        linked = self._links.price(key, view) if self._links is not None else None
        centre = fair(one, linked, config.link_weight)
        known.volatility.see(centre, logit.logit(centre), view.now)
        if not config.px_min <= centre <= ONE - config.px_min:
            return self._none(known)
        net = view.position(key, "yes").qty - view.position(key, "no").qty
        if not self._due(known, centre, net, one, view.now):
            return known.wishes
        known.at, known.centre, known.net = view.now, centre, net
        known.wishes = self._quotes(known, market, one, view)
        return known.wishes

    def _none(self, known: Quoted) -> list[Wish]:
        known.at, known.wishes = Ns(-1), []
        return known.wishes

    def _ends(self, market: Instrument, now: Ns) -> bool:
        left = market.closes - now
        return bool(market.closes) and left <= self.config.stop_minutes * 60 * SECOND

    def _due(self, known: Quoted, centre: int, net: int, one: Top, now: Ns) -> bool:
        """Whether the quotes are to be made anew: on review, a move, a fill, or a lost edge."""
        config = self.config
        if known.at < 0 or now - known.at >= self.review or net != known.net:
            return True
        if abs(centre - known.centre) >= config.requote:
            return True
        if known.heavy and now - max(known.heavy, known.crossed) >= config.cross_s * SECOND:
            return True
        for wish in known.wishes:
            if not wish.post_only:
                continue
            bid = (wish.action == "buy") == (wish.outcome == "yes")
            px = wish.px if wish.outcome == "yes" else ONE - wish.px
            if (px >= centre or px >= one.ask) if bid else (px <= centre or px <= one.bid):
                return True
        return False

    # -- prices ----------------------------------------------------------------------------------

    def _around(self, known: Quoted, market: Instrument, now: Ns) -> tuple[int, int]:
        """Bid and ask as the model has them, not on the grid yet."""
        config, net = self.config, known.net
        if config.model == "logit":
            left = (market.closes - now) / (3_600 * SECOND) if market.closes else 1e9
            hours = max(0.0, min(float(config.horizon_hours), left))
            return logit.quotes(
                known.centre, net / config.order, known.volatility.hourly, hours,
                config.risk_aversion / ONE, config.order_decay / ONE,
            )  # fmt: skip
        half = config.spread // 2
        if known.volatility.high:
            half = half * config.spread_volatile // ONE
        near = config.expiry_hours * 3_600 * SECOND
        if market.closes and market.closes - now <= near:
            half = half * config.spread_expiry // ONE
        centre = known.centre - config.skew * net // TEN
        more = config.spread_inventory * abs(net) // TEN
        bid = centre - half - (more if net > 0 else 0)
        ask = centre + half + (more if net < 0 else 0)
        return bid, ask

    def _quotes(self, known: Quoted, market: Instrument, one: Top, view: QuoteView) -> list[Wish]:
        config, net = self.config, known.net
        bid, ask = self._around(known, market, view.now)
        tick = min(band.step for band in market.grid)
        bid = down(market, min(bid, one.ask - tick))
        ask = up(market, max(ask, one.bid + tick))
        heavy = abs(net) > config.rebalance
        known.heavy = (known.heavy or view.now) if heavy else Ns(0)
        wishes = []
        if bid > 0 and not (heavy and net > 0):
            wishes += self._wish(market, known, bid, view, bids=True)
        if ask < ONE and not (heavy and net < 0):
            wishes += self._wish(market, known, ask, view, bids=False)
        return wishes + (self._cross(market, known, one, view) if heavy else [])

    def _wish(
        self, market: Instrument, known: Quoted, px: int, view: QuoteView, *, bids: bool
    ) -> list[Wish]:
        """One quote at a YES price: it sells what is held before it buys the other side."""
        config, net = self.config, known.net
        reduces = net < 0 if bids else net > 0
        room = config.inventory_max - (net if bids else -net)
        size = config.order
        if config.reward and market.venue == "polymarket":
            size = max(size, config.reward_size)
        qty = min(size, room)
        edge = self._edge(market, known.centre, px, bids=bids)
        if edge < config.edge_min and not reduces:
            return []
        return self._side(market, px, qty, view, "bid" if bids else "ask", edge, bids=bids)

    def _side(
        self, market: Instrument, px: int, qty: int, view: QuoteView, slot: str, edge: int, *,
        bids: bool, takes: bool = False,
    ) -> list[Wish]:  # fmt: skip
        """The wish in terms of what is held: bidding for YES may be selling NO."""
        held = view.position(market.key, "no" if bids else "yes").qty
        action: Action = "sell" if held >= market.size_min else "buy"
        qty = min(qty, held) if action == "sell" else qty
        qty -= qty % market.lot
        if qty < market.size_min or qty <= 0:
            return []
        yes = bids == (action == "buy")
        px = px if yes else ONE - px
        if action == "buy" and px * qty // ONE < market.cost_min:
            return []  # the venue takes no order that small
        wish = Wish(
            slot, market.key, "yes" if yes else "no", action, Px(px), Qty(qty),
            "ioc" if takes else "gtc", not takes, edge,
            ONE if action == "sell" else self.config.confidence, "rebalance" if takes else "",
        )  # fmt: skip
        return [wish]

    def _edge(self, market: Instrument, centre: int, px: int, *, bids: bool) -> int:
        """What a fill at `px` is worth per contract: distance, less fee, with rebate and reward."""
        config = self.config
        distance = centre - px if bids else px - centre
        fee = fill_fee(market.fees, px, ONE, maker=True)
        back = rebate(market, px, config.rebate)
        earned = 0
        if market.venue == "polymarket":
            span = Ns(config.age_s * SECOND)
            earned = reward(abs(distance), config.reward_spread, config.reward, span)
        return distance - fee + back + earned

    def _cross(self, market: Instrument, known: Quoted, one: Top, view: QuoteView) -> list[Wish]:
        """Quoting has not brought the stock down in time: take the other side for the excess."""
        config, now = self.config, view.now
        if now - max(known.heavy, known.crossed) < config.cross_s * SECOND:
            return []
        known.crossed = now
        bids = known.net < 0
        px = one.ask if bids else one.bid
        loss = (px - known.centre if bids else known.centre - px) + fill_fee(market.fees, px, ONE)
        if loss > config.cross_loss:
            return []
        excess = abs(known.net) - config.rebalance
        least = max(market.size_min, market.lot)
        qty = max(excess, least)
        return self._side(market, px, qty, view, "cross", -loss, bids=bids, takes=True)


def build(config: Config) -> Maker:
    """A maker with these parameters."""
    return Maker(config)
