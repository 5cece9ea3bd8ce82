"""The wallet of the pretend Polymarket's first participant: a key that follows from the seed."""

import hashlib
import os
from pathlib import Path

from coincurve import PrivateKey
from msgspec import Struct

from dutchbook.emulators.polymarket.signed import keccak256


class Wallet(Struct, frozen=True):
    """An address, and the file (0600) that holds its private key as hex."""

    address: str
    file: Path


def make_wallet(folder: Path, seed: int) -> Wallet:
    """Write the key's file; the same seed gives the same wallet."""
    key = PrivateKey(hashlib.sha256(f"polymarket-wallet-{seed}".encode()).digest())
    public = key.public_key.format(compressed=False)[1:]
    file = folder / "polymarket_wallet.hex"
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as out:
        out.write(key.secret.hex())
    return Wallet(_checksummed(keccak256(public)[12:].hex()), file)


def _checksummed(address: str) -> str:
    """EIP-55: letters are capital where the hash of the address says so."""
    hashed = keccak256(address.encode()).hex()
    return "0x" + "".join(
        c.upper() if int(hashed[n], 16) >= 8 else c for n, c in enumerate(address)
    )
