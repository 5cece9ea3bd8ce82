"""Two runs side by side: what was set otherwise, and how the figures differ."""

from pathlib import Path
from typing import Any

import msgspec

from dutchbook.backtest.runs import plan_in
from dutchbook.report import metrics, recordfile


def difference(first: Path, second: Path) -> dict[str, Any]:
    """Settings that differ, and every plain figure of the summaries; equity of both.

    Raises UsageError, RecordError for what is no run.
    """
    records = [recordfile.read(folder) for folder in (first, second)]
    documents = [metrics.document(record) for record in records]
    plans = [msgspec.to_builtins(plan_in(folder)) for folder in (first, second)]
    settings = [
        {"name": name, "a": plans[0][name], "b": plans[1][name]}
        for name in plans[0]
        if plans[0][name] != plans[1][name]
    ]
    summaries = [document["summary"] for document in documents]
    figures = [
        {"name": name, "a": value, "b": summaries[1].get(name)}
        for name, value in summaries[0].items()
        if isinstance(value, int | float | None)
    ]
    return {
        "a": first.name,
        "b": second.name,
        "same_data": records[0].meta.data_hash == records[1].meta.data_hash,
        "settings": settings,
        "figures": figures,
        "equity": {"a": documents[0]["equity"], "b": documents[1]["equity"]},
        "verdicts": [document["verdict"] for document in documents],
    }
