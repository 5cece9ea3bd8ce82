"""Compiles every kernel, or loads it from the disk cache, before the first message comes."""

import hashlib
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

MODULES: Final = ("ladder", "sweep", "scan")


def warm(
    cache: Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> int:
    """Make every kernel ready; the number of kernels.

    `cache`: folder for compiled code (a first compile takes seconds, a load from there well under
    one); None, or a folder that can't be written, compiles in memory, and `say` is told why.
    `progress(done, of, name)` is called after each kernel.
    """
    from dutchbook.kernels.kernel import KERNELS

    for module in MODULES:
        importlib.import_module(f"dutchbook.kernels.{module}")
    cached = cache is not None and _use(cache, say or (lambda _: None))
    for done, (compiled, signature) in enumerate(KERNELS, 1):
        if not compiled.signatures:
            if cached:
                compiled.enable_caching()
            compiled.compile(signature)
            compiled.disable_compile()
        if progress is not None:
            progress(done, len(KERNELS), compiled.py_func.__name__)
    return len(KERNELS)


def _use(cache: Path, say: Callable[[str], None]) -> bool:
    """Point the compiler at a folder named by what it holds; whether it can be written."""
    config: Any = importlib.import_module("numba.core.config")
    folder = cache / f"kernels-{_version()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / "probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        say(f"kernels are compiled in memory at each start: {folder}: {error.strerror}")
        return False
    config.CACHE_DIR = str(folder)
    return True


def _version() -> str:
    """Of all sources together: a kernel's cached code holds the parts that it takes from others."""
    import numba

    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
