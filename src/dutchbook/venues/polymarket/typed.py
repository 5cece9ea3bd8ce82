"""EIP-712 hashing of what Polymarket has signed: orders for its exchanges, and proof of a wallet.

Fields, domains and addresses follow the official client (py-clob-client-v2 1.2.1). Hashing only:
no key is ever here; `io/evm.py` signs the digests.
"""

from functools import lru_cache
from typing import Final

import msgspec
from Crypto.Hash import keccak

from dutchbook.domain.errors import ConfigError

CHAINS: Final[dict[int, tuple[str, str, str]]] = {
    137: (
        "0xE111180000d2663C0091e4f400237545B87B996B",
        "0xe2222d279d744050d28e00520010520000310F59",
        "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa",
    ),
    80002: (
        "0xE111180000d2663C0091e4f400237545B87B996B",
        "0xe2222d279d744050d28e00520010520000310F59",
        "0x9fE6e61422AdB6F610d8597F9684b16912D50C3D",
    ),
}
"""Per chain: the exchange V2, its negative-risk twin, and the exchange V3."""
ORDER_TYPE: Final = (
    "Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,"
    "uint256 takerAmount,uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,"
    "bytes32 builder)"
)
_WRAP_TYPE: Final = (
    "TypedDataSign(Order contents,string name,string version,uint256 chainId,"
    f"address verifyingContract,bytes32 salt){ORDER_TYPE}"
)
_DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId{contract})"
_AUTH_TYPE: Final = "ClobAuth(address address,string timestamp,uint256 nonce,string message)"
ATTEST: Final = "This message attests that I control the given wallet"
_LOW_64: Final = ((1 << 64) - 1) << 40


class OrderFields(msgspec.Struct, frozen=True):
    """The signed fields of a V2 or V3 order; `metadata` and `builder` are always zero with us.

    `side`: 0 buys, 1 sells. `signature_type`: 0 EOA, 1 proxy, 2 safe, 3 deposit wallet.
    """

    salt: int
    maker: str
    signer: str
    token_id: int
    maker_amount: int
    taker_amount: int
    side: int
    signature_type: int
    timestamp: int


class ToSign(msgspec.Struct, frozen=True):
    """`order_id`: the order's name at the venue. `digest`: what the key signs; both 32 bytes.

    `tail`: what follows the signature on the wire; only a deposit wallet has one.
    """

    order_id: bytes
    digest: bytes
    tail: bytes = b""


def hashed(data: bytes) -> bytes:
    """Keccak-256, as Ethereum uses it."""
    return keccak.new(digest_bits=256, data=data).digest()


def checksum(address: str) -> str:
    """An address with the capitals of EIP-55; ValueError if it isn't 20 bytes in hex."""
    text = address.removeprefix("0x").lower()
    if len(text) != 40 or not all(char in "0123456789abcdef" for char in text):
        raise ValueError(f"not an address: {address[:50]!r}")
    marks = hashed(text.encode()).hex()
    return "0x" + "".join(
        char.upper() if mark >= "8" else char for char, mark in zip(text, marks, strict=False)
    )


def is_position(token_id: int) -> bool:
    """Whether an asset is a "position id", which exchange V3 trades: bits 40 to 103 are zero."""
    return token_id & _LOW_64 == 0


def exchange(chain_id: int, token_id: int, neg_risk: bool) -> tuple[str, str]:
    """(contract, domain version) that an order for this asset is signed for.

    ConfigError for a chain that Polymarket is not on.
    """
    if chain_id not in CHAINS:
        known = ", ".join(str(chain) for chain in CHAINS)
        raise ConfigError(f"Polymarket is not on chain {chain_id}", todo=f"use one of {known}")
    plain, twin, third = CHAINS[chain_id]
    if is_position(token_id):
        return third, "3"
    return (twin if neg_risk else plain), "2"


def order(fields: OrderFields, chain_id: int, neg_risk: bool) -> ToSign:
    """What names an order and what has to be signed for it.

    A deposit wallet (type 3) signs the ERC-7739 wrap of the order in its own domain.
    """
    contract, version = exchange(chain_id, fields.token_id, neg_risk)
    app = domain("Polymarket CTF Exchange", version, chain_id, contract)
    contents = _contents(fields)
    order_id = hashed(b"\x19\x01" + app + contents)
    if fields.signature_type != 3:
        return ToSign(order_id, order_id)
    wallet = (_text("DepositWallet"), _text("1"), _word(chain_id), _address(fields.signer))
    wrap = hashed(b"".join((_text(_WRAP_TYPE), contents, *wallet, bytes(32))))
    tail = app + contents + ORDER_TYPE.encode() + len(ORDER_TYPE).to_bytes(2, "big")
    return ToSign(order_id, hashed(b"\x19\x01" + app + wrap), tail)


def clob_auth(address: str, timestamp: str, nonce: int, chain_id: int) -> bytes:
    """The digest that proves control of a wallet (level 1); `timestamp` in seconds, as text."""
    struct = (_text(_AUTH_TYPE), _address(address), _text(timestamp), _word(nonce), _text(ATTEST))
    app = domain("ClobAuthDomain", "1", chain_id, "")
    return hashed(b"\x19\x01" + app + hashed(b"".join(struct)))


@lru_cache(maxsize=16)
def domain(name: str, version: str, chain_id: int, contract: str) -> bytes:
    """A domain separator; `contract` "" where the domain has none."""
    kind = _DOMAIN_TYPE.format(contract=",address verifyingContract" if contract else "")
    parts = [_text(kind), _text(name), _text(version), _word(chain_id)]
    return hashed(b"".join([*parts, _address(contract)] if contract else parts))


def _contents(fields: OrderFields) -> bytes:
    """The struct hash of an order."""
    words = (
        _text(ORDER_TYPE),
        _word(fields.salt),
        _address(fields.maker),
        _address(fields.signer),
        _word(fields.token_id),
        _word(fields.maker_amount),
        _word(fields.taker_amount),
        _word(fields.side),
        _word(fields.signature_type),
        _word(fields.timestamp),
        bytes(64),  # metadata, builder
    )
    return hashed(b"".join(words))


@lru_cache(maxsize=32)
def _text(text: str) -> bytes:
    return hashed(text.encode())


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _address(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address.removeprefix("0x"))
