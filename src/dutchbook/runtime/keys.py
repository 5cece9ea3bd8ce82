"""Where the keys of the venues come from: a file, the encrypted secrets, or an environment."""

import ctypes
import os
import resource
from pathlib import Path
from typing import Final

from dutchbook.domain.secret import Secret
from dutchbook.runtime.settings import Settings
from dutchbook.storage.vault import Outer, Secrets

PASSPHRASE: Final = "DUTCHBOOK_PASSPHRASE"
NEW_PASSPHRASE: Final = "DUTCHBOOK_NEW_PASSPHRASE"
SET_DUMPABLE: Final = 4
"""prctl's PR_SET_DUMPABLE."""


def secrets_of(settings: Settings) -> Secrets:
    """The encrypted secrets beside the data directories; their key file is in the user's home.

    A process that opens them leaves no core dump, and no other of this user may look into it.
    """
    _no_dumps()
    root = Path(settings.data_path()).parent
    return Secrets(root, Outer(config_dir() / "secrets.key", _passphrase(PASSPHRASE)))


def _no_dumps() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A dump that goes to a program knows no limit; this ends it, and debuggers of the same user.
    ctypes.CDLL(None).prctl(SET_DUMPABLE, 0, 0, 0, 0)


def new_passphrase() -> Secret | None:
    """What to put the secrets under anew; None for a new key file."""
    return _passphrase(NEW_PASSPHRASE)


def config_dir() -> Path:
    """Where this user keeps what belongs to no data directory."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "dutchbook"


def _passphrase(name: str) -> Secret | None:
    """From the variable, or from the file that the variable with _FILE names."""
    file = os.environ.get(f"{name}_FILE")
    if file:
        return Secret(Path(file).read_text(encoding="utf-8").rstrip("\n"))
    value = os.environ.get(name)
    return Secret(value) if value else None
