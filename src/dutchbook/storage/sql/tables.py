"""The tables: projections of the account journal. Money, prices, sizes in millionths, times in ns.

Every row names the journal's `seq` that last changed it. `projected` holds how far they are.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData()


def _n(name: str, **more: object) -> Column[int]:
    return Column(name, BigInteger, nullable=False, **more)  # type: ignore[arg-type]


def _t(name: str, **more: object) -> Column[str]:
    return Column(name, Text, nullable=False, **more)  # type: ignore[arg-type]


def _id(name: str) -> Column[str]:
    return Column(name, String(200), primary_key=True)


orders = Table(
    "orders", METADATA, _id("id"), _t("venue"), _t("account"), _t("key"), _t("outcome"),
    _t("action"), _n("px"), _n("qty"), _t("tif"), _t("purpose"), _t("basket"), _t("strategy"),
    _t("venue_order"), _t("state"), _t("reason"), _t("why"), _n("filled"), _n("canceled"),
    _n("paid"), _n("fees"), _n("decided_at"), _n("since"), _n("seq"),
    Index("orders_basket", "basket"), Index("orders_state", "state"),
)  # fmt: skip
fills = Table(
    "fills", METADATA, _id("venue"), _id("account"), _id("trade"), _id("ref"),
    Column("leg", Integer, primary_key=True), _t("order_id"), _t("key"), _t("outcome"),
    _t("action"), _n("px"), _n("qty"), _n("fee"), Column("maker", Boolean, nullable=False),
    _t("state"), _n("venue_at"), _n("at"), _n("seq"), Index("fills_order", "order_id"),
)  # fmt: skip
trades = Table(
    "trades", METADATA, _id("id"), _t("opportunity"), _t("kind"), _t("strategy"), _t("style"),
    _t("stage"), _t("why"), _n("qty"), _n("payout"), _n("capital"), _n("promised"), _n("locked"),
    _n("began_at"), _n("moved_at"), _n("seq"), Index("trades_stage", "stage"),
)  # fmt: skip
trade_legs = Table(
    "trade_legs", METADATA, _id("trade"), Column("leg", Integer, primary_key=True), _t("key"),
    _t("outcome"), _n("px"), _n("qty"), _t("order_id"), _n("seq"),
)  # fmt: skip
positions = Table(
    "positions", METADATA, _id("key"), _id("outcome"), _n("qty"), _n("sellable"), _n("cost"),
    _n("seq"),
)  # fmt: skip
ledger = Table(
    "ledger", METADATA, Column("seq", BigInteger, primary_key=True),
    Column("n", Integer, primary_key=True), _n("at"), _t("what"), _t("ref"), _t("account"),
    _t("asset"), _n("amount"), Index("ledger_account", "account"),
)  # fmt: skip
opportunities = Table(
    "opportunities", METADATA, _id("id"), _t("kind"), _t("legs"), _n("edge"), _n("qty"),
    _n("capital"), _n("proved"), _n("opened_at"), _n("closed_at"), _t("why"), _n("best"),
    _n("seq"),
)  # fmt: skip
daily_performance = Table(
    "daily_performance", METADATA, _id("day"), _n("orders"), _n("fills"), _n("baskets_done"),
    _n("baskets_unwound"), _n("stuck"), _n("volume"), _n("fees"), _n("locked"), _n("realised"),
    _n("seq"),
)  # fmt: skip
audit = Table(
    "audit", METADATA, Column("n", BigInteger, primary_key=True), _n("seq"), _n("at"), _t("who"),
    _t("what"), _t("body"), _t("hash"),
)  # fmt: skip
projected = Table(
    "projected", METADATA, Column("one", Integer, primary_key=True), _n("seq"), _t("chain"),
)  # fmt: skip
