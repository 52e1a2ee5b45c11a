"""User-facing text and public names use the vocabulary of docs/glossary.md and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

from looped.cli.main import cli
from tests.house.vocabulary import FORBIDDEN, OLD_NAMES, OLD_NAMES_OF_ROOMS, forbidden_in

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GLOSSARY = ROOT / "docs" / "glossary.md"


def sources() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / "looped").rglob("*.py")):
        name = path.relative_to(ROOT / "looped").with_suffix("").as_posix()
        yield name, path


def docstring_nodes(tree: ast.AST) -> dict[ast.Constant, bool]:
    """The string statements of a module, and whether each documents something public."""
    found: dict[ast.Constant, bool] = {}
    public = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                named = not getattr(node, "name", "").startswith("_")
                found[child.value] = isinstance(node, public) and named
    return found


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Literals and public docstrings of a module, each with its line."""
    tree = ast.parse(path.read_text())
    documentation = docstring_nodes(tree)
    for node in ast.walk(tree):
        text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if text and documentation.get(node, True):
            yield node.lineno, node.value


def public_names(path: Path) -> Iterator[str]:
    """Names of functions, classes, methods, fields and constants without a leading underscore."""
    tree = ast.parse(path.read_text())
    bodies = [tree.body, *(n.body for n in ast.walk(tree) if isinstance(n, ast.ClassDef))]
    for node in (node for body in bodies for node in body):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def helps(command: click.Command, context: click.Context) -> Iterator[str]:
    yield command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from helps(child, click.Context(child, info_name=name, parent=context))


def test_pages_have_no_forbidden_word() -> None:
    found = {page.name: forbidden_in(page.read_text()) for page in PAGES}
    assert {name: words for name, words in found.items() if words} == {}


def test_each_word_of_the_glossary_is_used_outside_of_it() -> None:
    """On another page or in a docstring; in any case and number."""
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", GLOSSARY.read_text(), re.M)
    assert len(words) > 50 and len(set(words)) == len(words)
    pages = [page.read_text() for page in PAGES if page != GLOSSARY]
    code = [path.read_text() for path in (ROOT / "looped").rglob("*.py")]
    used = " ".join(" ".join(pages + code).lower().split())
    single = [word for entry in words for word in entry.split(", ")]
    assert [word for word in single if word.lower() not in used] == []


def test_help_has_no_forbidden_word() -> None:
    text = list(helps(cli, click.Context(cli, info_name="looped")))
    assert len(text) > 8 and [forbidden_in(page) for page in text if forbidden_in(page)] == []


def test_messages_and_docstrings_have_no_forbidden_word() -> None:
    found = [
        f"{name}.py:{line}: {', '.join(forbidden_in(text))}"
        for name, path in sources()
        for line, text in texts(path)
        if forbidden_in(text)
    ]
    assert found == []


def test_no_public_name_is_an_old_one() -> None:
    found = []
    for name, path in sources():
        rooms = [names for room, names in OLD_NAMES_OF_ROOMS.items() if name.startswith(room)]
        old = OLD_NAMES.union(*rooms)
        found += [f"{name}.py: {known}" for known in public_names(path) if known in old]
    assert found == []


def test_the_list_finds_what_it_forbids() -> None:
    assert forbidden_in("It goes\non, and puts out a byte.") == ["goes on", "puts out"]
    assert forbidden_in("an algorithm; heirloom; a new column") == []
    assert len(FORBIDDEN) > 10


def templates() -> Iterator[list[str]]:
    """The constant parts of each literal of the package that has 15 characters or more of them."""
    for path in (ROOT / "looped").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            own = [part.value for part in parts if isinstance(part, ast.Constant)]
            literal = [part for part in own if isinstance(part, str) and part]
            if sum(map(len, literal)) >= 15:
                yield literal


def says(message: str, parts: list[str]) -> bool:
    """Whether a message has these parts in this order."""
    start = 0
    for part in parts:
        start = message.find(part, start) + len(part)
        if start < len(part):
            return False
    return True


def test_each_message_in_the_table_of_errors_is_one_of_the_package() -> None:
    page = (ROOT / "docs" / "errors.md").read_text()
    rows = re.findall(r"^\| (`.+`) \| \d+ \| ", page, re.M)
    quoted = [pair for row in rows for pair in re.findall(r"`` (.+?) ``|`([^`]+)`", row)]
    messages = [message for pair in quoted for message in pair if message]
    known = list(templates())
    assert len(messages) >= 12
    assert [m for m in messages if not any(says(m, parts) for parts in known)] == []
    assert not any(says("the machine is not certain in bfloat16: …", parts) for parts in known)
