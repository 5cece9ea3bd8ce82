"""The life of a trade after the match: MATCHED, MINED, CONFIRMED; or RETRYING, FAILED and void."""

from typing import Any, Final

from dutchbook.domain.units import MILLI, ONE, SECOND, plain
from dutchbook.emulators.market.shapes import SimMarket
from dutchbook.sim.desk import Desk
from dutchbook.sim.words import Deal, Standing

MINED_AFTER: Final = 400 * MILLI
CONFIRMED_AFTER: Final = 1_200 * MILLI
SIDE: Final = ("SELL", "BUY")
OUTCOMES: Final = ("Yes", "No")


class Trades:
    """All trades by id with their status; `fails` are the ids that will not be confirmed."""

    def __init__(self, desk: Desk, addresses: dict[str, str]) -> None:
        self._desk = desk
        self._addresses = addresses
        self.status: dict[str, str] = {}
        self.changed: dict[str, int] = {}
        self.deals: dict[str, Deal] = {}
        self.fails: dict[str, None] = {}
        self._open: list[str] = []

    def matched(self, deal: Deal) -> None:
        if deal.id not in self.deals:
            self.deals[deal.id] = deal
            self.status[deal.id] = "MATCHED"
            self.changed[deal.id] = deal.at
            self._open.append(deal.id)

    def poll(self, now: int) -> list[Deal]:
        """Move on what is due; the deals whose status changed."""
        moved = []
        for name in list(self._open):
            deal, status = self.deals[name], self.status[name]
            age = now - deal.at
            following = status
            if status == "MATCHED" and age >= MINED_AFTER:
                following = "RETRYING" if name in self.fails else "MINED"
            elif status in ("MINED", "RETRYING") and age >= CONFIRMED_AFTER:
                following = "FAILED" if name in self.fails else "CONFIRMED"
            if following == status:
                continue
            self.status[name], self.changed[name] = following, now
            moved.append(deal)
            if following in ("CONFIRMED", "FAILED"):
                self._open.remove(name)
            if following == "FAILED":
                self._desk.void(name, now)
        return moved

    def sides(self, deal: Deal) -> list[tuple[str, Standing]]:
        """(TAKER or MAKER, order) of every participant in a deal."""
        orders = self._desk.orders
        found = [("TAKER", orders[deal.taker])] if deal.taker else []
        return [*found, *([("MAKER", orders[deal.maker])] if deal.maker else [])]

    def row(self, deal: Deal, side: str, market: SimMarket) -> dict[str, Any]:
        """A trade as REST has it, from the side of one of its participants."""
        maker_px = deal.px if deal.maker_outcome == 0 else ONE - deal.px
        taker_px = deal.px if deal.taker_outcome == 0 else ONE - deal.px
        return {
            "id": deal.id,
            "taker_order_id": deal.taker or _nobody(deal.id, "taker"),
            "market": market.symbol,
            "asset_id": market.tokens[deal.taker_outcome],
            "side": SIDE[deal.taker_buy],
            "size": plain(deal.qty),
            "fee_rate_bps": "0",
            "price": plain(taker_px),
            "status": self.status[deal.id],
            "match_time": str(deal.at // SECOND),
            "last_update": str(self.changed[deal.id] // SECOND),
            "outcome": OUTCOMES[deal.taker_outcome],
            "bucket_index": 0,
            "owner": self._addresses.get(deal.taker_owner, ""),
            "maker_address": self._addresses.get(deal.taker_owner, _nobody(deal.id, "taker")[:42]),
            "transaction_hash": "0x" + deal.id.ljust(64, "0"),
            "trader_side": side,
            "maker_orders": [
                {
                    "order_id": deal.maker or _nobody(deal.id, "maker"),
                    "owner": self._addresses.get(deal.maker_owner, ""),
                    "maker_address": self._addresses.get(
                        deal.maker_owner, _nobody(deal.id, "maker")[:42]
                    ),
                    "matched_amount": plain(deal.qty),
                    "price": plain(maker_px),
                    "fee_rate_bps": "0",
                    "asset_id": market.tokens[deal.maker_outcome],
                    "outcome": OUTCOMES[deal.maker_outcome],
                    "outcome_index": deal.maker_outcome,
                    "side": SIDE[deal.maker_buy],
                }
            ],
        }


def _nobody(deal: str, who: str) -> str:
    """An order id of the crowd: never one of a participant."""
    return "0x" + (who.encode().hex() + deal).ljust(64, "0")[:64]
