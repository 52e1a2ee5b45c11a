"""What the code of `looped` consists of: modules, functions, parameters, public names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["ROOT", "Function", "Module", "modules"]

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "looped"


@dataclass(frozen=True)
class Function:
    """A function or method: where it is, its lines, and its parameters but `self` and `cls`."""

    where: str
    lines: int
    parameters: tuple[ast.arg, ...]


@dataclass(frozen=True)
class Module:
    """A source file and its syntax tree. `name` is its path, such as `looped/nn/model.py`."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def names(self) -> set[str]:
        """All names that the code mentions."""
        return {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}

    @property
    def attributes(self) -> set[str]:
        """All attributes that the code mentions, such as `item` of `x.item()`."""
        return {node.attr for node in ast.walk(self.tree) if isinstance(node, ast.Attribute)}

    def functions(self) -> Iterator[Function]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef):
                end = node.end_lineno or node.lineno
                where = f"{self.name}:{node.lineno} {node.name}"
                yield Function(where, end - node.lineno + 1, tuple(_parameters(node.args)))

    def undocumented(self) -> Iterator[tuple[str, bool]]:
        """Public names of the module and of its public classes, and whether each lacks a text."""
        yield from _public(self.tree.body, self.name)


@cache
def modules() -> tuple[Module, ...]:
    """All source files of the package."""
    paths = sorted(PACKAGE.rglob("*.py"))
    texts = [path.read_text() for path in paths]
    return tuple(Module(p, t, ast.parse(t)) for p, t in zip(paths, texts, strict=True))


def _parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    rest = [arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None]
    return (arg for arg in (*named, *rest) if arg.arg not in ("self", "cls"))


def _public(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, bool]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            name = f"{prefix} {node.name}"
            yield name, ast.get_docstring(node) is None
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body, name)
