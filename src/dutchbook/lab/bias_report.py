"""`dutchbook lab fit-bias`: fits the calibration table, checks it out of sample, writes it."""

from pathlib import Path
from typing import Any, Final

import msgspec

from dutchbook.domain.errors import UsageError
from dutchbook.lab.fit_bias import METHOD, cells_of, fit
from dutchbook.lab.out_of_sample import check
from dutchbook.lab.settled import read_settled
from dutchbook.strategies.calibration import LEVELS, Cell, Sheet

SCHEMA: Final = 1


def report(data: Path | None, out: Path | None) -> dict[str, Any]:
    """The fit as plain data; with `out` the table is written there. UsageError without data."""
    if data is None:
        raise UsageError(
            "no recorded data to fit on",
            todo="name the folder with --data, or in DUTCHBOOK_DATA",
        )
    settled, sources = read_settled(data)
    fitted = fit(settled)
    checked = check(settled)
    sheet = Sheet(
        schema=SCHEMA,
        made_by="dutchbook lab fit-bias",
        method=METHOD,
        sources=tuple(sources),
        check={
            f"{role}.{loss}.{figure}": checked[role][loss][figure]
            for role in ("maker", "taker", "quoted")
            if role in checked
            for loss in ("brier", "log_loss")
            for figure in ("table", "price", "better", "error")
        },
        cells=cells_of(fitted),
    )
    if out is not None:
        out.write_bytes(encode(sheet))
    alike = {".".join(part for part in key if part): r for key, r in sorted(fitted.alike.items())}
    return {
        "observations": len(settled),
        "method": METHOD,
        "sources": msgspec.to_builtins(sources),
        "alike": {name: round(r, 6) for name, r in alike.items()},
        "check": checked,
        "written": str(out) if out else "",
        "cells": [shown(cell) for cell in sheet.cells],
    }


def encode(sheet: Sheet) -> bytes:
    """The table as it ships: its header, then one cell a line."""
    document: dict[str, Any] = msgspec.to_builtins(sheet)
    cells = document.pop("cells")
    head = msgspec.json.format(msgspec.json.encode(document), indent=1).decode()
    lines = ",\n".join(msgspec.json.encode(cell).decode() for cell in cells)
    return f'{head.removesuffix("}").rstrip()},\n "cells": [\n{lines}\n]}}\n'.encode()


def shown(cell: Cell) -> dict[str, Any]:
    """A cell with its 95 % credible interval by name."""
    low, high = cell.quantiles[0], cell.quantiles[-1]
    assert (LEVELS[0], LEVELS[-1]) == (25_000, 975_000)
    return {**msgspec.to_builtins(cell), "interval_95": [low, high]}
