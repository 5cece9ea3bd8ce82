"""No order of a set decides: names have other hashes in each process, and a replay is another."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTRACT = "the towers read no clock, chance, thread or socket"
NO_ORDER = {"sorted", "set", "frozenset", "any", "all", "sum", "len", "min", "max"}
"""What these make of their argument does not hang on its order."""
ORDER = {"list", "tuple", "enumerate", "iter", "next", "zip", "fromkeys", "join", "extend", "map"}


def towers() -> list[Path]:
    """The modules of which import-linter says that they read no clock and no chance."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    [modules] = [one["source_modules"] for one in contracts if one["name"] == CONTRACT]
    folders = [ROOT / "src" / module.replace(".", "/") for module in modules]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def called(node: ast.expr) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def made(node: ast.AST | None) -> bool:
    """Whether an expression makes a set by itself."""
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("set", "frozenset")


def typed(node: ast.AST | None) -> bool:
    """Whether an annotation says set[...] or frozenset[...]."""
    named = node.value if isinstance(node, ast.Subscript) else node
    return isinstance(named, ast.Name) and named.id in ("set", "frozenset")


class Sets(ast.NodeVisitor):
    """Where a module goes through a set in its order; names are known by their function only."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: list[int] = []
        self.fields: set[str] = set()
        self.names: set[str] = set()
        for node in ast.walk(tree):
            self._learn(node, fields=True)
        self.visit(tree)

    def _learn(self, node: ast.AST, *, fields: bool) -> None:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign) and made(node.value):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign) and (typed(node.annotation) or made(node.value)):
            targets = [node.target]
        for target in targets:
            if fields and isinstance(target, ast.Attribute):
                self.fields.add(target.attr)
            elif not fields and isinstance(target, ast.Name):
                self.names.add(target.id)
        if not fields and isinstance(node, ast.arg) and typed(node.annotation):
            self.names.add(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer, self.names = self.names, set(self.names)
        for inner in ast.walk(node):
            self._learn(inner, fields=False)
        self.generic_visit(node)
        self.names = outer

    def _is_set(self, node: ast.expr) -> bool:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub):
            return self._is_set(node.left) or self._is_set(node.right)
        if isinstance(node, ast.Name):
            return node.id in self.names
        if isinstance(node, ast.Attribute):
            return node.attr in self.fields
        return made(node)

    def _see(self, *nodes: ast.expr) -> None:
        self.found += [node.lineno for node in nodes if self._is_set(node)]

    def visit_For(self, node: ast.For) -> None:
        self._see(node.iter)
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        self._see(node.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if called(node) in ORDER:
            self._see(*node.args)
        for arg in node.args:
            plain = isinstance(arg, ast.GeneratorExp | ast.ListComp)
            if plain and called(node) in NO_ORDER:
                self.generic_visit(arg)
            else:
                self.visit(arg)
        for word in node.keywords:
            self.visit(word)
        self.visit(node.func)

    def _comprehended(self, node: ast.GeneratorExp | ast.ListComp | ast.DictComp) -> None:
        self._see(*(part.iter for part in node.generators))
        self.generic_visit(node)

    visit_GeneratorExp = visit_ListComp = visit_DictComp = _comprehended


def test_nothing_in_the_towers_goes_through_a_set_in_its_order() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in towers()
        for line in Sets(ast.parse(path.read_text(encoding="utf-8"))).found
    ]
    assert len(towers()) > 200 and found == []


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("class A:\n def f(self):\n  self.b = frozenset('xy')\n  for c in self.b: pass", [4]),
        ("def f(a: set[str]):\n return [b for b in a | {'x'}]", [2]),
        ("def f(a: set[str]):\n return {b: 1 for b in a}, [*a], list(a)", [2, 2, 2]),
        ("def f(a: set[str]):\n return sorted(b for b in a), {b for b in a}, max(a)", []),
        ("def f(a: dict[str, int]):\n for b in a: pass", []),
    ],
)
def test_it_sees_what_it_should(code: str, seen: list[int]) -> None:
    assert Sets(ast.parse(code)).found == seen
