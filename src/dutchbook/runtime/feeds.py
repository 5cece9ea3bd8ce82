"""Builds the venues that the settings, or the addresses of running emulators, name."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from dutchbook.domain.clock import Clock
from dutchbook.domain.errors import ConfigError, UsageError
from dutchbook.domain.secret import Secret
from dutchbook.io import evm
from dutchbook.io.ports import Transport
from dutchbook.io.signer import Signer, read_secret
from dutchbook.runtime.keys import secrets_of
from dutchbook.runtime.settings import Settings
from dutchbook.venues.base import Venue, build

VENUES: Final = ("kalshi", "polymarket")
WALLETS: Final = ("eoa", "proxy", "safe", "deposit")
CHAIN: Final = 137
KEY: Final = "kalshi"
"""The name under which the signer holds Kalshi's key."""


class KalshiAt(msgspec.Struct, frozen=True):
    """Where a pretend Kalshi listens, and the keys that it made."""

    rest: str
    ws: str
    key_id: str
    key_file: str
    ed25519_key_id: str = ""
    ed25519_key_file: str = ""
    account: str = ""


class PolymarketAt(msgspec.Struct, frozen=True):
    """Where a pretend Polymarket listens, and the wallet that it made."""

    clob: str
    gamma: str
    ws: str
    user_ws: str = ""
    data: str = ""
    geoblock: str = ""
    account: str = ""
    address: str = ""
    wallet_key_file: str = ""


class ControlAt(msgspec.Struct, frozen=True):
    """Where the exchanges' guarded door is, and the file with the token that opens it."""

    url: str
    token_file: str


class Addresses(msgspec.Struct, frozen=True):
    """The first line that `dutchbook exchange serve` prints."""

    kalshi: KalshiAt | None = None
    polymarket: PolymarketAt | None = None
    truth: str = ""
    wire: str = ""
    links: str = ""
    control: ControlAt | None = None
    accounts: str = ""


def addresses(text: str) -> Addresses:
    """From JSON text, or from a file of it. Raises UsageError."""
    if not text.lstrip().startswith("{"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise UsageError(f"addresses {text[:100]!r} can't be read", why=str(error)) from error
    try:
        return msgspec.json.decode(text, type=Addresses)
    except msgspec.DecodeError as error:
        raise UsageError("these are not addresses of emulators", why=str(error)) from error


def venues(
    settings: Settings,
    at: Addresses | None = None,
    only: Literal["kalshi", "polymarket", "both"] = "both",
    signing: Literal["rsa", "ed25519"] = "rsa",
    trading: bool = False,
) -> tuple[list[Venue], Signer]:
    """The venues, ready for a driver each, and the signer that holds their keys.

    `at`: the emulators at these addresses instead of the real venues. Raises ConfigError,
    UsageError.
    """
    signer = Signer()
    made: list[Venue] = []
    if only != "polymarket" and (config := _kalshi(settings, at, signing, signer, trading)):
        made.append(build("kalshi", _config("kalshi", config)))
    if only != "kalshi" and (config := _polymarket(settings, at, signer, trading)):
        made.append(build("polymarket", _config("polymarket", config)))
    if not made:
        raise ConfigError("no venue is left to watch", todo="enable one, or give its address")
    return made, signer


def _config(kind: str, values: dict[str, Any]) -> Any:
    return import_module(f"dutchbook.venues.{kind}").Config(**values)


def _kalshi(
    settings: Settings, at: Addresses | None, signing: str, signer: Signer, trading: bool
) -> dict[str, Any] | None:
    mine = settings.venues.kalshi
    if at is not None:
        if at.kalshi is None or not mine.enabled:
            return None
        curve = signing == "ed25519" and at.kalshi.ed25519_key_file
        signer.add_file(KEY, Path(at.kalshi.ed25519_key_file if curve else at.kalshi.key_file))
        key_id = at.kalshi.ed25519_key_id if curve else at.kalshi.key_id
        return {
            "rest": at.kalshi.rest, "ws": at.kalshi.ws, "key_id": key_id, "key": KEY,
            "account": at.kalshi.account if trading else "",
        }  # fmt: skip
    if not mine.enabled:
        return None
    key = kalshi_key(settings) if mine.key_id else None
    if key is None:
        raise ConfigError(
            "venues.kalshi has no key",
            why="Kalshi's book stream is signed, also for those who only watch",
            todo="dutchbook venue connect kalshi, or set venues.kalshi.enabled = false",
        )
    signer.add(KEY, key)
    return {
        "rest": mine.rest_url(), "ws": mine.ws_url(), "key_id": mine.key_id, "key": KEY,
        "account": mine.account if trading else "", "subaccount": mine.subaccount or None,
    }  # fmt: skip


def _polymarket(
    settings: Settings, at: Addresses | None, signer: Signer, trading: bool
) -> dict[str, Any] | None:
    mine = settings.venues.polymarket
    if not mine.enabled or (at is not None and at.polymarket is None):
        return None
    here = at.polymarket if at is not None and at.polymarket is not None else mine
    config: dict[str, Any] = {
        "clob_url": here.clob, "gamma_url": here.gamma, "ws_url": here.ws,
    }  # fmt: skip
    if not trading or not here.account:
        return config
    key = _wallet(settings, at, signer)
    return config | {
        "account": here.account, "address": evm.address(key),
        "funder": mine.funder if at is None else "",
        "signature_type": WALLETS.index(mine.wallet) if at is None else 0,
        "user_ws": here.user_ws, "data_url": here.data, "geoblock_url": here.geoblock,
    }  # fmt: skip


def _wallet(settings: Settings, at: Addresses | None, signer: Signer) -> Secret:
    """The wallet's private key, held by the signer from now on."""
    if at is not None and at.polymarket is not None:
        key: Secret | None = read_secret(Path(at.polymarket.wallet_key_file))
    else:
        key = wallet_key(settings)
    if key is None:
        raise ConfigError(
            "venues.polymarket has no key", todo="dutchbook secret set polymarket.key"
        )
    signer.add_secret("polymarket.wallet", key)
    return key


def kalshi_key(settings: Settings) -> Secret | None:
    """Kalshi's private key: the one set, that of the file set, or the one kept encrypted."""
    mine = settings.venues.kalshi
    return mine.key_pem or _file_or_kept(settings, mine.key_file, "kalshi.key")


def wallet_key(settings: Settings) -> Secret | None:
    """The wallet's private key: the one set, that of the file set, or the one kept encrypted."""
    mine = settings.venues.polymarket
    return mine.key_hex or _file_or_kept(settings, mine.key_file, "polymarket.key")


def _file_or_kept(settings: Settings, file: str, name: str) -> Secret | None:
    if file:
        return read_secret(Path(file).expanduser())
    kept = secrets_of(settings)
    return kept.get(name) if name in kept.names() else None


def has_key(settings: Settings, venue: str) -> bool:
    """Whether there is a key to trade with at a venue."""
    if venue == "kalshi":
        return bool(settings.venues.kalshi.key_id) and kalshi_key(settings) is not None
    return wallet_key(settings) is not None


async def credentials(
    settings: Settings, at: Addresses | None, signer: Signer, transport: Transport, clock: Clock
) -> None:
    """Ask Polymarket for the API key of our wallet, and have the signer hold it.

    Raises ConfigError, VenueUnreachable.
    """
    here = at.polymarket if at is not None else settings.venues.polymarket
    if here is None or not here.account:
        return
    key = _wallet(settings, at, signer)
    made = await evm.credentials(transport, clock, here.clob, key, CHAIN)
    signer.add_secret("polymarket.api_key", made.api_key)
    signer.add_secret("polymarket.api_secret", made.secret)
    signer.add_secret("polymarket.api_passphrase", made.passphrase)


def accounts_of(settings: Settings, at: Addresses | None) -> dict[str, str]:
    """Venue -> the account that is traded there; mode paper trades "paper" at each."""
    if settings.mode == "paper":
        venues_ = settings.venues
        both = {"kalshi": venues_.kalshi.enabled, "polymarket": venues_.polymarket.enabled}
        return {venue: "paper" for venue, enabled in both.items() if enabled}
    kalshi = at.kalshi if at is not None else settings.venues.kalshi
    polymarket = at.polymarket if at is not None else settings.venues.polymarket
    named = {"kalshi": kalshi, "polymarket": polymarket}
    return {venue: one.account for venue, one in named.items() if one is not None and one.account}
