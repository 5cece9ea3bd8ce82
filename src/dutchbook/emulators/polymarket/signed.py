"""Recovers who signed an order or a proof of a wallet: EIP-712 (EIP-55, ERC-7739), read anew here.

The client's own hashing is not used: two readings of the same text check each other.
"""

from typing import Any, Final

from coincurve import PublicKey
from Crypto.Hash import keccak

EXCHANGES: Final = {
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
"""Chain -> exchange of Protocol V1 assets, of negative-risk ones, of V3 position ids."""
NAME: Final = "Polymarket CTF Exchange"
ORDER: Final = (
    ("uint256", "salt"), ("address", "maker"), ("address", "signer"), ("uint256", "tokenId"),
    ("uint256", "makerAmount"), ("uint256", "takerAmount"), ("uint8", "side"),
    ("uint8", "signatureType"), ("uint256", "timestamp"), ("bytes32", "metadata"),
    ("bytes32", "builder"),
)  # fmt: skip
AUTH: Final = (
    ("address", "address"), ("string", "timestamp"), ("uint256", "nonce"), ("string", "message"),
)  # fmt: skip
ATTESTS: Final = "This message attests that I control the given wallet"


def keccak256(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


def _type(name: str, fields: Any) -> str:
    return f"{name}({','.join(f'{kind} {field}' for kind, field in fields)})"


def _word(kind: str, value: Any) -> bytes:
    """One field, 32 bytes. Raises ValueError, TypeError for what does not fit."""
    if kind == "string":
        return keccak256(str(value).encode())
    if kind == "address":
        raw = bytes.fromhex(str(value).removeprefix("0x"))
        if len(raw) != 20:
            raise ValueError("not an address")
        return raw.rjust(32, b"\0")
    if kind == "bytes32":
        raw = bytes.fromhex(str(value).removeprefix("0x"))
        if len(raw) != 32:
            raise ValueError("not 32 bytes")
        return raw
    number = int(value)
    if not 0 <= number < 1 << (8 if kind == "uint8" else 256):
        raise ValueError("out of range")
    return number.to_bytes(32, "big")


def struct_hash(name: str, fields: Any, values: dict[str, Any]) -> bytes:
    words = b"".join(_word(kind, values[field]) for kind, field in fields)
    return keccak256(keccak256(_type(name, fields).encode()) + words)


def domain(name: str, version: str, chain: int, contract: str = "") -> bytes:
    """The separator of a domain, with its contract if it has one."""
    fields = [("string", "name"), ("string", "version"), ("uint256", "chainId")]
    values: dict[str, Any] = {"name": name, "version": version, "chainId": chain}
    if contract:
        fields.append(("address", "verifyingContract"))
        values["verifyingContract"] = contract
    return struct_hash("EIP712Domain", fields, values)


def digest(separator: bytes, content: bytes) -> bytes:
    return keccak256(b"\x19\x01" + separator + content)


def recover(hashed: bytes, signature: bytes) -> str:
    """The address that signed, lower case; "" if the signature is none."""
    if len(signature) != 65 or signature[64] not in (0, 1, 27, 28):
        return ""
    raw = signature[:64] + bytes([signature[64] % 27])
    try:
        key = PublicKey.from_signature_and_message(raw, hashed, hasher=None)
    except Exception:  # coincurve raises a plain one for a point that is none
        return ""
    return "0x" + keccak256(key.format(compressed=False)[1:])[12:].hex()


def is_position(token: int) -> bool:
    """A V3 position id: bits 40 to 103 are zero."""
    return token >> 40 & (1 << 64) - 1 == 0


def order_digests(order: dict[str, Any], chain: int, neg_risk: bool) -> tuple[bytes, str]:
    """(the order's id, the address that signed it). Raises ValueError, KeyError, TypeError."""
    values = dict(order)
    values["side"] = {"BUY": 0, "SELL": 1}[order["side"]]
    position = is_position(int(order["tokenId"]))
    contract = EXCHANGES[chain][2 if position else 1 if neg_risk else 0]
    separator = domain(NAME, "3" if position else "2", chain, contract)
    content = struct_hash("Order", ORDER, values)
    hashed = digest(separator, content)
    signature = bytes.fromhex(str(order["signature"]).removeprefix("0x"))
    if int(order["signatureType"]) == 3:
        return hashed, _wrapped(order, separator, content, signature, chain)
    return hashed, recover(hashed, signature)


def _wrapped(
    order: dict[str, Any], separator: bytes, content: bytes, signature: bytes, chain: int
) -> str:
    """Who signed for a deposit wallet: ERC-7739, signature + separator + contents + type + size."""
    kind = _type("Order", ORDER).encode()
    size = int.from_bytes(signature[-2:], "big")
    if size != len(kind) or signature[-2 - size : -2] != kind:
        return ""
    inner = signature[: -2 - size]
    if inner[-64:-32] != separator or inner[-32:] != content:
        return ""
    fields = (
        ("Order", "contents"), ("string", "name"), ("string", "version"), ("uint256", "chainId"),
        ("address", "verifyingContract"), ("bytes32", "salt"),
    )  # fmt: skip
    head = keccak256(_type("TypedDataSign", fields).encode() + kind)
    words = content + b"".join(
        _word(kind_, value)
        for kind_, value in (
            ("string", "DepositWallet"),
            ("string", "1"),
            ("uint256", chain),
            ("address", order["maker"]),
            ("bytes32", "00" * 32),
        )
    )
    return recover(digest(separator, keccak256(head + words)), inner[:-64])


def auth_signer(address: str, timestamp: str, nonce: str, chain: int, signature: str) -> str:
    """Who signed a ClobAuth of these headers; "" for nobody. Raises ValueError."""
    values = {"address": address, "timestamp": timestamp, "nonce": nonce, "message": ATTESTS}
    hashed = digest(domain("ClobAuthDomain", "1", chain), struct_hash("ClobAuth", AUTH, values))
    return recover(hashed, bytes.fromhex(signature.removeprefix("0x")))
