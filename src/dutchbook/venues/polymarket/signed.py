"""An order of ours as the venue's own: named before it is sent, and the same bytes for ever."""

import hashlib
from typing import Final

import msgspec

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.orders import Order
from dutchbook.domain.units import MILLI, SECOND, Ns, ceil_div
from dutchbook.venues.base import Sign
from dutchbook.venues.polymarket import amounts, typed

ZERO: Final = "0x" + "0" * 64
EARLY: Final = Ns(60 * SECOND)
"""The venue ends a GTD order this much before the expiration that it is told."""
_KINDS: Final = {"gtc": "GTC", "gtd": "GTD", "ioc": "FAK", "fok": "FOK"}


class WireOrder(msgspec.Struct, frozen=True, rename="camel"):
    """The signed order in the official client's order of keys."""

    salt: int
    maker: str
    signer: str
    token_id: str
    maker_amount: str
    taker_amount: str
    side: str
    expiration: str
    signature_type: int
    timestamp: str
    metadata: str
    builder: str
    signature: str


class PostOrder(msgspec.Struct, frozen=True, rename="camel"):
    """What POST /order takes; POST /orders takes a list of it."""

    order: WireOrder
    owner: str
    order_type: str
    defer_exec: bool
    post_only: bool


class Wallet(msgspec.Struct, frozen=True):
    """Who signs and who pays: `signature_type` 0 EOA, 1 proxy, 2 safe, 3 deposit wallet."""

    address: str
    funder: str
    signature_type: int
    chain_id: int


class Signable(msgspec.Struct, frozen=True):
    """`name`: the venue's id of the order. `sign` is carried out as it leaves."""

    name: str
    post: PostOrder
    sign: Sign


def wallet(address: str, funder: str, signature_type: int, chain_id: int) -> Wallet:
    """Checked and with the capitals of EIP-55; ConfigError says what is wrong."""
    try:
        signer = typed.checksum(address)
        payer = typed.checksum(funder) if funder else signer
    except ValueError as error:
        raise ConfigError("Polymarket's address is not one", why=str(error)) from None
    if signature_type not in (0, 1, 2, 3):
        raise ConfigError(f"no signature type is {signature_type}", todo="use 0, 1, 2 or 3")
    if signature_type == 0 and payer != signer:
        raise ConfigError(
            "a wallet that signs for itself can't have another funder",
            todo="set signature_type to 1 (proxy), 2 (safe) or 3 (deposit wallet)",
        )
    if signature_type != 0 and not funder:
        raise ConfigError("this signature type needs the funder's address", todo="set funder")
    if chain_id not in typed.CHAINS:
        raise ConfigError(f"Polymarket is not on chain {chain_id}", todo="use 137 or 80002")
    return Wallet(signer, payer, signature_type, chain_id)


def salt_of(order_id: str) -> int:
    """53 bits that follow from our order id: a JSON number that every reader reads exactly."""
    return int.from_bytes(hashlib.blake2b(order_id.encode(), digest_size=8).digest(), "big") >> 11


def signable(order: Order, payer: Wallet, owner: str, key: str, place: str) -> Signable:
    """The order in the venue's words, with `place` where the signature of `key` will stand.

    A GTD order is told to expire a minute later than ours does, since the venue ends it a minute
    early. ValueError if the order can't be one: its price, size, token or expiry.
    """
    token = order.token
    if not (0 < len(token) <= 78 and token.isascii() and token.isdigit()):
        raise ValueError(f"not a token id: {token[:40]!r}")
    if int(token) >= 1 << 256:
        raise ValueError(f"not a token id: {token[:40]!r}")
    if order.post_only and order.tif in ("ioc", "fok"):
        raise ValueError(f"{order.tif} can't be post-only")
    if order.tif == "gtd" and order.expires <= order.made_at:
        raise ValueError(f"it expires ({order.expires}) before it is made ({order.made_at})")
    fields = _fields(order, payer)
    made = typed.order(fields, payer.chain_id, order.neg_risk)
    late = ceil_div(order.expires + EARLY, SECOND) if order.tif == "gtd" else 0
    wire = WireOrder(
        salt=fields.salt,
        maker=fields.maker,
        signer=fields.signer,
        token_id=str(fields.token_id),
        maker_amount=str(fields.maker_amount),
        taker_amount=str(fields.taker_amount),
        side="BUY" if fields.side == 0 else "SELL",
        expiration=str(late),
        signature_type=fields.signature_type,
        timestamp=str(fields.timestamp),
        metadata=ZERO,
        builder=ZERO,
        signature=place + made.tail.hex(),
    )
    post = PostOrder(wire, owner, _KINDS[order.tif], False, order.post_only)
    sign = Sign(key, made.digest.hex(), kind="eip712", into=place)
    return Signable(f"0x{made.order_id.hex()}", post, sign)


def name_of(order: Order, payer: Wallet) -> str:
    """The id that the venue gives this order; ValueError if it can't be one."""
    return signable(order, payer, "", "", "").name


def _fields(order: Order, payer: Wallet) -> typed.OrderFields:
    maker, taker = amounts.exact(order.action, order.px, order.qty)
    return typed.OrderFields(
        salt=salt_of(order.id),
        maker=payer.funder,
        signer=payer.funder if payer.signature_type == 3 else payer.address,
        token_id=int(order.token),
        maker_amount=maker,
        taker_amount=taker,
        side=0 if order.action == "buy" else 1,
        signature_type=payer.signature_type,
        timestamp=order.made_at // MILLI,
    )
