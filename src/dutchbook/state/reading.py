"""What others read of an account: orders, holdings, cash; sums are kept, nothing is added up."""

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.units import Qty, Usd
from dutchbook.state.ledger import Ledger
from dutchbook.state.lives import Life
from dutchbook.state.money import Money


class Reading:
    """The reading side of `Account`, which keeps these.

    `forgotten`: so many quotes that came to nothing this process has dropped from `orders`.
    `version` counts what was folded: while it stands, nothing of the account has changed.
    """

    forgotten: int = 0
    version: int = 0
    orders: dict[str, Life]
    live: dict[str, Life]
    live_of: dict[str, dict[str, Life]]
    by_venue: dict[tuple[str, str], str]
    stake_at: dict[str, int]
    selling: dict[tuple[str, Outcome], int]
    ledger: Ledger
    money: Money

    def life_of(self, order: str, venue: str = "", venue_order: str = "") -> Life | None:
        """By our id, or by the venue's."""
        name = order or self.by_venue.get((venue, venue_order), "") if venue_order else order
        return self.orders.get(name)

    def held(self, key: str, outcome: Outcome) -> Qty:
        """Contracts held, provisional fills included."""
        return self.ledger.held(key, outcome)

    def sellable(self, key: str, outcome: Outcome) -> Qty:
        """Contracts held for certain, less what live sell orders, ours or not, may still sell."""
        selling = self.selling.get((key, outcome), 0) + sum(
            life.left
            for life in self.live_of.get(key, {}).values()
            if life.order.action == "sell" and life.order.outcome == outcome
        )
        free = self.held(key, outcome) - self.money.provisional.get((key, outcome), 0) - selling
        return Qty(max(0, free))

    def keys_held(self) -> list[tuple[str, Outcome]]:
        """Every (instrument, outcome) with contracts, ordered."""
        found: list[tuple[str, Outcome]] = []
        for (account, asset), amount in sorted(self.ledger.totals.items()):
            if amount and account.startswith("holding:"):
                key, _, outcome = asset.rpartition("|")
                found.append((key, "yes" if outcome == "yes" else "no"))
        return found

    def cost(self, key: str, outcome: Outcome) -> Usd:
        """What the contracts held cost, fees included (average entry times size)."""
        return Usd(self.ledger.total(f"inventory:{key}|{outcome}"))

    def cash(self, venue: str) -> Usd:
        """Cash at a venue as our ledger has it, reservations not deducted."""
        return self.ledger.cash(venue)

    def reserved(self, venue: str) -> Usd:
        """What live buy orders there may still cost, those that are not ours included."""
        return Usd(self.stake_at.get(venue, 0))

    def free(self, venue: str) -> Usd:
        """cash - reserved."""
        return Usd(self.cash(venue) - self.reserved(venue))

    def equity(self) -> Usd:
        """Cash everywhere plus what the positions cost: the bankroll that limits are shares of."""
        return Usd(self.ledger.cash_total + self.ledger.held_total)

    def unknown(self, key: str = "") -> list[Life]:
        """Orders whose fate nobody knows, of one market or of all."""
        return [
            life
            for life in self.live.values()
            if life.state == "unknown" and key in ("", life.order.key)
        ]

    def provisional(self) -> int:
        """How many trades may still be voided."""
        return len(self.money.pending)

    def realised(self) -> Usd:
        """Realised profit since the beginning: sales, merges, settlements, less costs and fees."""
        return Usd(-self.ledger.total("pnl"))
