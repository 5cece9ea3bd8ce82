"""Reads source for whatever could send an order again without anybody having decided that."""

import ast
from collections.abc import Iterator
from pathlib import Path

RETRIERS = {
    "tenacity", "backoff", "retry", "retrying", "stamina", "urllib3", "requests", "aiohttp",
    "aiohttp_retry", "hyx", "opnieuw", "httpx_retries",
}  # fmt: skip
SENDERS = {"_make", "_exchange", "_fly", "_send", "stream", "submit"}
"""Names of what brings a request nearer to the wire; `transport.call` besides."""
LATERS = {"wait", "later"}
LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.GeneratorExp)


def sends(node: ast.AST) -> bool:
    """Whether this is a call of a sender."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    name, home = node.func.attr, ast.unparse(node.func.value)
    if name == "call":
        return home.endswith("transport")
    return name in SENDERS and not home.startswith("re") and "_pool" not in home


def faults(source: str) -> list[str]:
    """What is wrong with one file: (line) and why."""
    tree = ast.parse(source)
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found = []
    for node in ast.walk(tree):
        found += [f"{node.lineno}: imports {name}" for name in imported(node) if name in RETRIERS]
        found += [f"{node.lineno}: {word}" for word in asked_to_retry(node)]
        if sends(node):
            found += [f"{node.lineno}: {why}" for why in repeated(node, above)]
    return found


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name.partition(".")[0] for name in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0]]
    return []


def asked_to_retry(node: ast.AST) -> Iterator[str]:
    """retries=3, again=True, @retry, Retry(...)."""
    if isinstance(node, ast.Call):
        for word in node.keywords:
            value = getattr(word.value, "value", None)
            if (word.arg or "").endswith("retries") and value != 0:
                yield f"{word.arg}={ast.unparse(word.value)}"
            if word.arg == "again" and value is True:
                yield "again=True"
        if ast.unparse(node.func).rpartition(".")[2].lower() in ("retry", "retrying"):
            yield ast.unparse(node.func)
    for decorator in getattr(node, "decorator_list", []):
        if "retry" in ast.unparse(decorator).lower() or "backoff" in ast.unparse(decorator):
            yield f"@{ast.unparse(decorator)}"


def repeated(node: ast.Call, above: dict[ast.AST, ast.AST]) -> Iterator[str]:
    """Why a send may happen twice: a loop that takes nothing from a queue, a handler, a timer."""
    child = node
    while (parent := above.get(child)) is not None:
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        if isinstance(parent, LOOPS) and not _each_once(parent, child, node):
            yield f"{ast.unparse(node.func)} within a loop"
        if isinstance(parent, ast.ExceptHandler):
            yield f"{ast.unparse(node.func)} after a failure"
        if isinstance(parent, ast.Call) and parent is not node:
            name = ast.unparse(parent.func).rpartition(".")[2]
            if name in LATERS:
                yield f"{ast.unparse(node.func)} by a timer"
        child = parent


def _each_once(loop: ast.AST, child: ast.AST, sent: ast.Call) -> bool:
    """A queue that is emptied, slices of a list, or a new thing for each item: out goes each once.

    Sending the same thing for each of a number of turns, or of pauses, is what is looked for.
    """
    if isinstance(loop, ast.While):
        return any("heappop" in ast.unparse(part) for part in loop.body)
    if isinstance(loop, ast.For | ast.AsyncFor):
        source, inside = loop.iter, (loop.target, *loop.body)
    else:
        source, inside = loop.generators[0].iter, (loop.generators[0].target,)
    if child is source:
        return True
    steps = ast.unparse(source)
    if steps.startswith(("range(", "count(", "itertools.")) and not steps.startswith(
        "range(0, len("
    ):
        return False
    bound = {n.id for part in inside for n in ast.walk(part)
             if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}  # fmt: skip
    used = {n.id for part in sent.args for n in ast.walk(part) if isinstance(n, ast.Name)}
    return bool(bound & used)


def callers(folder: Path, name: str) -> set[str]:
    """The functions of a folder, as file:function, in which something of this name is called."""
    found = set()
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for inner in ast.walk(node):
                if (
                    isinstance(inner, ast.Call)
                    and ast.unparse(inner.func).rpartition(".")[2] == name
                ):
                    found.add(f"{path.stem}:{node.name}")
    return found
