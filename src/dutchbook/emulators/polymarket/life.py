"""The life of a trade after the match: MATCHED, MINED, CONFIRMED; or RETRYING, FAILED and void."""

from typing import Any, Final

from dutchbook.domain.units import MILLI, ONE, SECOND, plain
from dutchbook.emulators.market.shapes import SimMarket
from dutchbook.sim.desk import Desk
from dutchbook.sim.words import Deal, Standing

MINED_AFTER: Final = 400 * MILLI
REMINED_AFTER: Final = 800 * MILLI
CONFIRMED_AFTER: Final = 1_200 * MILLI
SIDE: Final = ("SELL", "BUY")
OUTCOMES: Final = ("Yes", "No")


class Trades:
    """All trades by id with their status; `fails` are the ids that will not be confirmed.

    `retries` are those that are sent once more before they are mined.
    """

    def __init__(self, desk: Desk, addresses: dict[str, str]) -> None:
        self._desk = desk
        self._addresses = addresses
        self.status: dict[str, str] = {}
        self.history: dict[str, list[tuple[int, str]]] = {}
        self.deals: dict[str, Deal] = {}
        self.fails: dict[str, None] = {}
        self.retries: dict[str, None] = {}
        self._open: list[str] = []

    def matched(self, deal: Deal) -> None:
        if deal.id not in self.deals:
            self.deals[deal.id] = deal
            self.status[deal.id] = "MATCHED"
            self.history[deal.id] = [(deal.at, "MATCHED")]
            self._open.append(deal.id)

    def poll(self, now: int) -> list[Deal]:
        """Move on what is due; the deals whose status changed."""
        moved = []
        for name in list(self._open):
            deal, status = self.deals[name], self.status[name]
            following = self._following(name, status, now - deal.at)
            if following == status:
                continue
            self.status[name] = following
            self.history[name].append((now, following))
            moved.append(deal)
            if following in ("CONFIRMED", "FAILED"):
                self._open.remove(name)
            if following == "FAILED":
                self._desk.void(name, now)
        return moved

    def _following(self, name: str, status: str, age: int) -> str:
        """What a trade is at this age, after what it was."""
        fails = name in self.fails
        if status == "MATCHED" and age >= MINED_AFTER:
            return "RETRYING" if fails or name in self.retries else "MINED"
        if status == "RETRYING" and not fails:
            return "MINED" if age >= REMINED_AFTER else status
        if status != "MATCHED" and age >= CONFIRMED_AFTER:
            return "FAILED" if fails else "CONFIRMED"
        return status

    def sides(self, deal: Deal) -> list[tuple[str, Standing]]:
        """(TAKER or MAKER, order) of every participant in a deal."""
        orders = self._desk.orders
        found = [("TAKER", orders[deal.taker])] if deal.taker else []
        return [*found, *([("MAKER", orders[deal.maker])] if deal.maker else [])]

    def row(self, deal: Deal, side: str, market: SimMarket, then: int) -> dict[str, Any]:
        """A trade as REST has it at a moment, from the side of one of its participants."""
        versions = self.history[deal.id]
        changed, status = next((v for v in reversed(versions) if v[0] <= then), versions[0])
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
            "status": status,
            "match_time": str(deal.at // SECOND),
            "last_update": str(changed // SECOND),
            "outcome": OUTCOMES[deal.taker_outcome],
            "bucket_index": 0,
            "owner": self._addresses.get(deal.taker_owner, ""),
            "maker_address": self._addresses.get(deal.taker_owner, _nobody(deal.id, "taker")[:42]),
            "transaction_hash": "" if status == "MATCHED" else "0x" + deal.id.ljust(64, "0"),
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
