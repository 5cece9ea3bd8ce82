"""What mode live is bound to: accounts, addresses and keys, sealed in one record (I36).

`dutchbook go-live` writes it; a run of mode live begins only if the settings still say the same,
to the letter. The seal is an HMAC-SHA256 under a key of its own among the encrypted secrets.
"""

import fcntl
import hashlib
import hmac
import os
from pathlib import Path
from typing import Final

import msgspec

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.secret import Secret
from dutchbook.io import evm
from dutchbook.runtime.feeds import kalshi_key, wallet_key
from dutchbook.runtime.keys import config_dir, secrets_of
from dutchbook.runtime.settings import Settings

FILE: Final = "live.json"
SEAL: Final = "live.seal"
CONFIRM: Final = "DUTCHBOOK_CONFIRM_LIVE"


class Bound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One account: where its calls go and which key signs them (a fingerprint of it)."""

    venue: str
    account: str
    urls: tuple[str, ...]
    key: str
    detail: str = ""


class Binding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The record and its seal."""

    mode: str
    accounts: tuple[Bound, ...]
    accepted: tuple[str, ...] = ()
    who: str = ""
    at: int = 0
    seal: str = ""


def accounts_of(settings: Settings) -> tuple[Bound, ...]:
    """What the settings would trade with. Raises ConfigError where a key is missing."""
    found: list[Bound] = []
    kalshi, polymarket = settings.venues.kalshi, settings.venues.polymarket
    if kalshi.enabled and kalshi.account:
        key = kalshi_key(settings)
        if key is None:
            raise ConfigError("venues.kalshi has no key", todo="dutchbook venue connect kalshi")
        urls: tuple[str, ...] = (kalshi.rest_url(), kalshi.ws_url())
        whose = f"{kalshi.key_id}, subaccount {kalshi.subaccount}"
        found.append(Bound("kalshi", kalshi.account, urls, _print(key), whose))
    if polymarket.enabled and polymarket.account:
        key = wallet_key(settings)
        if key is None:
            raise ConfigError(
                "venues.polymarket has no key", todo="dutchbook venue connect polymarket"
            )
        urls = (polymarket.clob, polymarket.ws, polymarket.user_ws)
        whose = f"{polymarket.wallet} {polymarket.funder}".strip()
        found.append(Bound("polymarket", polymarket.account, urls, evm.address(key), whose))
    return tuple(found)


def _print(key: Secret) -> str:
    return hashlib.sha256(key.reveal()).hexdigest()[:32]


def named(accounts: tuple[Bound, ...]) -> str:
    """The accounts as a person types them to confirm: kalshi:main+polymarket:main."""
    return "+".join(f"{one.venue}:{one.account}" for one in accounts)


def write(settings: Settings, binding: Binding) -> Path:
    """Seal and keep the record, readable by its owner only."""
    secrets_of(settings).made(SEAL)
    sealed = msgspec.structs.replace(binding, seal=_seal(settings, binding))
    path = _path(settings)
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(sealed), indent=2))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return path


def check(settings: Settings) -> Binding:
    """The record that holds for these settings; ConfigError names what differs."""
    path = _path(settings)
    try:
        binding = msgspec.json.decode(path.read_bytes(), type=Binding)
    except FileNotFoundError:
        raise ConfigError(
            "mode live was never approved here", why=f"there is no {path}", todo="dutchbook go-live"
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"{path} can't be read", why=str(error), todo="dutchbook go-live"
        ) from error
    if not hmac.compare_digest(binding.seal, _seal(settings, binding)):
        raise ConfigError(
            f"{path} was changed after it was sealed", todo="dutchbook go-live, and look who did it"
        )
    bound = {one.venue: one for one in binding.accounts}
    mine = {one.venue: one for one in accounts_of(settings)}
    for venue in sorted(bound.keys() | mine.keys()):
        if bound.get(venue) != mine.get(venue):
            what = _differs(bound.get(venue), mine.get(venue))
            raise ConfigError(
                f"{venue}: {what} differs from what live trading was approved for",
                todo="set it back, or dutchbook go-live again",
            )
    if binding.mode != settings.mode:
        raise ConfigError(f"{path} is for mode {binding.mode!r}, not {settings.mode!r}")
    return binding


def _differs(was: Bound | None, now: Bound | None) -> str:
    if was is None or now is None:
        return "whether it is traded"
    names = ("account", "urls", "key", "detail")
    return ", ".join(name for name in names if getattr(was, name) != getattr(now, name))


def hold(accounts: tuple[Bound, ...]) -> list[int]:
    """Lock each account for this process (I37); the locks end with it. ConfigError if taken."""
    folder = config_dir() / "accounts"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    held: list[int] = []
    for one in accounts:
        name = hashlib.sha256(f"{one.venue} {one.key} {one.detail}".encode()).hexdigest()[:16]
        fd = os.open(folder / f"{one.venue}-{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        held.append(fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            for taken in held:
                os.close(taken)
            raise ConfigError(
                f"{one.venue}:{one.account} is traded by another process of this machine",
                why="one account has one live writer", todo="stop that run first",
            ) from None  # fmt: skip
    return held


def _path(settings: Settings) -> Path:
    return Path(settings.data_path()).parent / FILE


def _seal(settings: Settings, binding: Binding) -> str:
    key = secrets_of(settings).get(SEAL)
    if key is None:
        raise ConfigError(
            "the seal of live trading is not among the secrets", todo="dutchbook go-live"
        )
    text = msgspec.json.encode(msgspec.structs.replace(binding, seal=""), order="deterministic")
    return hmac.new(key.reveal(), text, hashlib.sha256).hexdigest()
