"""`dutchbook why`: the funnel of a run, and what would let a passed-over market through."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dutchbook.cli import out
from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import plain

NAMES = {
    "seen": "seen",
    "matched": "matched",
    "fresh": "fresh books",
    "gross": "gross edge>0",
    "net": "net of fees",
    "depth": "depth ok",
    "sized": "sized",
}
TOP = 5
SHOWN = 20
app = typer.Typer()


@app.command()
def why(
    market: Annotated[
        str, typer.Argument(help="a market, event, link or title; part of it will do")
    ] = "",
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="instead of the one set")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Why opportunities were passed over: the funnel, or one market's last rejections."""
    from dutchbook.runtime.datadir import data_dir_of, read_status

    root = data_dir_of(None, data_dir)
    status = read_status(root)
    titles = _titles(root) if market else {}
    named = [key for key, title in titles.items() if market.casefold() in title.casefold()]
    rejected = [
        item for item in status.get("rejected", [])
        if market.lower() in item["key"].lower() or any(_names(item["key"], key) for key in named)
    ]  # fmt: skip
    plans = status.get("plans", {})
    prices = {
        key: px for key, px in plans.get("prices", {}).items()
        if market and (market.lower() in key.lower() or key in named)
    }  # fmt: skip
    if market and not rejected and not prices:
        raise UsageError(
            f"no rejection of {market!r} is noted",
            why="it is no part of a candidate, or it is an opportunity now",
            todo="dutchbook opps, or dutchbook market search",
        )
    if as_json:
        answer = {"funnel": status.get("funnel", {}), "reasons": status.get("reasons", {})}
        out.emit(answer | ({"rejected": rejected, "prices": prices} if market else {}))
    elif market:
        for item in sorted(rejected, key=lambda item: -item.get("at", 0))[:SHOWN]:
            print(out.safe(item["key"]))
            for key in [key for key in titles if _names(item["key"], key)][:TOP]:
                print(f"  {key} is “{out.safe(titles[key])}”")
            print(f"  {item['stage']}: {out.safe(item['reason'])}")
            print(f"  {flip(item['stage'], item['numbers'])}")
            for one in item.get("flips", []):
                print(f"  {flip_text(one, titles)}")
        for key, px in sorted(prices.items())[:SHOWN]:
            print(f"{out.safe(key)} is “{out.safe(titles.get(key, ''))}”")
            print(
                "  no arbitrage with what is linked to it: at "
                f"{px / 10_000:.2f}¢ for YES, and such prices of the others, no offer is too cheap"
            )
    else:
        print(_funnel(status))


def _titles(root: Path) -> dict[str, str]:
    """Each market's title, as the tape first told it."""
    from dutchbook.cli.opps import markets_of

    return {key: one.title for key, one in markets_of(root, None).items()}


def _names(candidate: str, key: str) -> bool:
    """Whether a candidate's key names a market, whole: one ticker may begin another."""
    place = candidate.find(key)
    return place >= 0 and candidate[place + len(key) :][:1] in ("", ":", "=", "+")


def _funnel(status: dict[str, Any]) -> str:
    funnel = status.get("funnel", {})
    stages = [f"{name} {funnel[key]:,}" for key, name in NAMES.items() if key in funnel]
    stages += [f"{key} {count:,}" for key, count in funnel.items() if key not in NAMES]
    reasons = sorted(status.get("reasons", {}).items(), key=lambda item: (-item[1], item[0]))
    top = " · ".join(f"{out.safe(reason)} {count:,}" for reason, count in reasons[:TOP])
    lines = [f"funnel          {' → '.join(stages) or 'nothing seen yet'}"]
    lines.append(f"top reasons     {top or 'none yet'}")
    lines.append("try             dutchbook opps --all    dutchbook why MARKET")
    return "\n".join(lines)


def flip_text(one: dict[str, Any], titles: dict[str, str] | None = None) -> str:
    """One thing that would turn a rejection, in words."""
    key = one.get("market", "")
    title = (titles or {}).get(key, "")
    named = f"“{out.safe(title)}”" if title else out.safe(key)
    leg = f"{named} {one.get('outcome', '')}"
    if one["what"] == "cheaper":
        by, px = one["by"] / 10_000, one["px"] / 10_000
        return f"or: {leg} {by:.2f}¢ cheaper, at {px:.2f}¢"
    if one["what"] == "fees":
        return f"or: all fees at {one['share'] / 10_000:.0f}% of what they are"
    if one["what"] == "maker":
        return f"or: {leg} resting, at the maker's fee"
    return f"needs: {plain(one['by'])} more contracts of {leg} at {one['px'] / 10_000:.2f}¢"


def flip(stage: str, numbers: dict[str, int]) -> str:
    """What would have let a candidate pass the stage that it failed, from its numbers."""
    short = numbers.get("short", 0)
    cents = f"{short / 10_000:g}¢"
    texts = {
        "fresh": "passes when the books of all its legs are whole and current again",
        "gross": f"passes when its legs together get {cents} cheaper",
        "net": f"passes when its legs together get {cents} cheaper after fees",
        "depth": f"passes with {plain(short)} more contracts at these prices",
        "matched": "passes when its markets are open and its claims approved",
        "sized": f"short by {plain(short)}",
    }
    counts = stage in ("matched", "fresh")  # whole counts, not millionths
    shown = {name: str(value) if counts else plain(value) for name, value in numbers.items()}
    said = ", ".join(f"{name} {value}" for name, value in shown.items())
    return f"{texts.get(stage, 'unknown stage')} ({said})"
