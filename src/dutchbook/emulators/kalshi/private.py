"""The pretend Kalshi's private channels: fills, orders and positions of one owner, without seq."""

from typing import Any, Final

import msgspec

from dutchbook.emulators.kalshi.groups import Group
from dutchbook.emulators.kalshi.records import Records, fp
from dutchbook.emulators.wire.outbox import Frame
from dutchbook.sim.words import Happened

FILL: Final = "fill"
ORDERS: Final = "user_orders"
POSITIONS: Final = "market_positions"
GROUPS: Final = "order_group_updates"


class Private:
    """A message for one owner's connections: channel, kind of frame, body, market."""

    def __init__(self, owner: str, channel: str, kind: str, body: dict[str, Any]) -> None:
        self.owner = owner
        self.channel = channel
        self.kind = kind
        self.text = msgspec.json.encode(body).decode()

    def frame(self, sid: int, seq: int) -> Frame:
        number = f',"seq":{seq}' if seq else ""
        return Frame(f'{{"type":"{self.kind}","sid":{sid}{number},"msg":{self.text}}}', "private")


def messages(records: Records, told: Happened) -> list[Private]:
    """What an owner's sockets are told of something that happened to an order."""
    one = told.standing
    if one is None:
        return []
    order = Private(told.owner, ORDERS, "user_order", records.order_message(one))
    if told.what != "filled" or told.deal is None:
        return [order] if told.what in ("placed", "ended", "amended") else []
    fill = Private(told.owner, FILL, "fill", records.fill_message(one, told.deal))
    market = records.market(told.deal.key)
    body = {
        "user_id": told.owner,
        "market_ticker": market.symbol,
        "position_fp": fp(records.position(told.owner, told.deal.key)),
        "position_cost_dollars": "0.0000",
        "realized_pnl_dollars": "0.0000",
        "fees_paid_dollars": "0.0000",
        "volume_fp": "0.00",
    }
    position = Private(told.owner, POSITIONS, "market_position", body)
    first = [order, fill] if int(told.deal.id[:2], 16) % 2 else [fill, order]
    return [*first, position]


def group_message(owner: str, event: str, group: Group, now: int) -> Private:
    """A change of an order group."""
    body = {"event_type": event, "order_group_id": group.name, "ts_ms": now // 1_000_000}
    if event in ("created", "limit_updated"):
        body["contracts_limit_fp"] = fp(group.limit)
    return Private(owner, GROUPS, "order_group_updates", body)
