"""The accounts of a pretend exchange: cash, contracts, fees, what open orders hold back.

Kalshi: a fill's fee is rounded up to a millionth; what leaves the account for an order is rounded
up to its precision once, over all its fills (the accumulator); YES and NO of a market net to cash.
Polymarket: the taker pays notional and fee at the match; YES and NO are held side by side.
"""

from dutchbook.domain.fees import fee_max, fill_fee, rounded
from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE, Usd, ceil_div
from dutchbook.sim.words import CROWD, Standing


class Owner:
    """One participant. `cash` by shard; `held` by (key, outcome); `fees` charged so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cash: dict[int, int] = {}
        self.held: dict[tuple[str, int], int] = {}
        self.fees: dict[str, int] = {}
        self.funded = 0
        self.paid: list[tuple[str, str, int]] = []


class Fill:
    """What a fill did to an owner: value of the contracts, fee of the formula, rounding, cash."""

    __slots__ = ("cash", "fee", "rounding", "value")

    def __init__(self, value: int, fee: int, rounding: int, cash: int) -> None:
        self.value = value
        self.fee = fee
        self.rounding = rounding
        self.cash = cash


class Side:
    """One participant's part in a deal, as it was booked."""

    __slots__ = ("fill", "qty", "standing")

    def __init__(self, standing: Standing, qty: int, fill: Fill) -> None:
        self.standing = standing
        self.qty = qty
        self.fill = fill


class Bank:
    """Owners by name; `netting` venues hold one position per market."""

    def __init__(self, netting: bool) -> None:
        self.netting = netting
        self.owners: dict[str, Owner] = {}
        self._exact: dict[str, int] = {}
        self._charged: dict[str, int] = {}

    def owner(self, name: str) -> Owner:
        if name not in self.owners:
            self.owners[name] = Owner(name)
        return self.owners[name]

    def fund(self, name: str, shard: int, cash: int) -> None:
        """Money comes in (or goes out) from outside."""
        owner = self.owner(name)
        owner.cash[shard] = owner.cash.get(shard, 0) + cash
        owner.funded += cash

    def fill(
        self, standing: Standing, px: int, qty: int, maker: bool, fees: FeeSchedule, shard: int
    ) -> Fill:
        """Book a fill of a participant's order at `px` of its own outcome."""
        ticket = standing.ticket
        buy = ticket.buy
        value = ceil_div(px * qty, ONE) if buy else px * qty // ONE
        fee = fill_fee(fees, px, qty, maker=maker)
        exact = self._exact.get(ticket.id, 0) + (value if buy else -value) + fee
        charged = int(rounded(fees, exact))
        out = charged - self._charged.get(ticket.id, 0)
        self._exact[ticket.id], self._charged[ticket.id] = exact, charged
        paid = out if buy else out + value  # fee and rounding, and for a purchase the value too
        rounding = (paid - value if buy else paid) - fee
        owner = self.owner(ticket.owner)
        owner.cash[shard] = owner.cash.get(shard, 0) - out
        place = (ticket.key, ticket.outcome)
        owner.held[place] = owner.held.get(place, 0) + (qty if buy else -qty)
        owner.fees[ticket.key] = owner.fees.get(ticket.key, 0) + fee + rounding
        standing.paid += value
        standing.fees += fee + rounding
        if self.netting:
            self._net(owner, ticket.key, shard)
        return Fill(value, fee, rounding, -out)

    def undo(
        self, name: str, key: str, outcome: int, qty: int, cash: int, fee: int, shard: int
    ) -> None:
        """Take a fill back exactly; `qty` signed as it was booked, `cash` as it was."""
        owner = self.owner(name)
        owner.cash[shard] -= cash
        owner.held[key, outcome] = owner.held.get((key, outcome), 0) - qty
        owner.fees[key] = owner.fees.get(key, 0) - fee

    def _net(self, owner: Owner, key: str, shard: int) -> None:
        pairs = min(owner.held.get((key, 0), 0), owner.held.get((key, 1), 0))
        if pairs > 0:
            owner.held[key, 0] -= pairs
            owner.held[key, 1] -= pairs
            owner.cash[shard] += pairs

    def settle(self, name: str, key: str, yes_pays: int, shard: int) -> tuple[int, int, int]:
        """Pay what a market is worth; returns (YES held, NO held, cash)."""
        owner = self.owner(name)
        yes, no = owner.held.pop((key, 0), 0), owner.held.pop((key, 1), 0)
        cash = (yes * yes_pays + no * (ONE - yes_pays)) // ONE
        owner.cash[shard] = owner.cash.get(shard, 0) + cash
        owner.paid.append((key, "settle", cash))
        return yes, no, cash

    def need(self, standing: Standing, fees: FeeSchedule, lot: int) -> int:
        """The cash that what is left of an order holds back."""
        ticket = standing.ticket
        if not ticket.buy or ticket.owner == CROWD:
            return 0
        opens = standing.left
        if self.netting:
            opens -= min(
                opens, self.owner(ticket.owner).held.get((ticket.key, 1 - ticket.outcome), 0)
            )
        if opens <= 0:
            return 0
        if ticket.spend:
            return max(0, ticket.spend - standing.paid)
        return ceil_div(ticket.px * opens, ONE) + Usd(fee_max(fees, ticket.px, opens, "buy", lot))
