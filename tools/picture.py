"""Makes docs/run.svg from what a run prints: ./dutchbook run --for 22s --faults rough 2> FILE"""

import re
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

STYLES = {"OPP": "bold green", "MORE": "green", "GONE": "yellow", "SKIP": "dim", "FEED": "cyan"}
WIDTH = 118
HEAD, BODY = 6, 22


def main(source: Path, target: Path) -> None:
    """The header, the first lines of the run, and what to do next."""
    lines = source.read_text(encoding="utf-8").splitlines()
    told = [line for line in lines[HEAD:] if re.match(r"\d\d:\d\d:\d\d  ", line)]
    end = [line for line in lines if line.startswith("next:")]
    console = Console(record=True, width=WIDTH, file=StringIO())
    for line in [*lines[:HEAD], *told[:BODY], "...", *end]:
        word = line[10:14].strip()
        console.print(Text(line[:WIDTH], style=STYLES.get(word, ""), no_wrap=True))
    svg = console.export_svg(title="./dutchbook run --faults rough")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no address outside
    svg = re.sub(r"<!--.*?-->\s*", "", svg).replace("Fira Code", "DejaVu Sans Mono")
    target.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).resolve().parents[1] / "docs" / "run.svg")
