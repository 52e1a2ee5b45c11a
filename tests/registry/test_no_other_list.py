"""Only a machine's own files name it: nothing else knows which machines there are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import looped
from looped import registry

PACKAGE = Path(looped.__file__).parent
OWN = (
    "registry/builtin",
    "machines",
    "isa",
    "lang/fleq",
    "lang/riscv",
    "reference",
    "profiles",
    "study/paper",
    "study/variants",
    "symbolic",
)
"""Rooms with files of single machines."""

DEFAULTS = {
    ("registry/sources.py", "subleq"),
    ("image/elf.py", "rv32i"),
    ("cli/train.py", "subleq"),
    ("variants/records.py", "subleq"),
}
"""The machine of a source that names none, the architecture of an ELF file that states none, the
machine that is learned, and the one whose instruction is a patch of bytes."""


def named(path: Path) -> Iterator[str]:
    """Names of machines and of classes of references that a file has outside of its texts."""
    references = {registry.machine(name).reference for name in registry.names()}
    classes = {each.__name__ for each in references if isinstance(each, type)}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and node.value in registry.names():
            yield node.value
        if isinstance(node, ast.Name) and node.id in classes:
            yield node.id


def test_no_file_but_its_own_names_a_machine() -> None:
    found = {
        (str(path.relative_to(PACKAGE)), name)
        for path in PACKAGE.rglob("*.py")
        if not str(path.relative_to(PACKAGE)).startswith(OWN)
        for name in named(path)
    }
    assert found == DEFAULTS


def test_each_builtin_file_registers_one_machine() -> None:
    files = {path.stem for path in (PACKAGE / "registry" / "builtin").glob("[!_]*.py")}
    assert set(registry.names()) >= files and len(files) == 5
    for name in files:
        machine = registry.machine(name)
        assert machine.language.name == name
        assert set(machine.widths) <= set(machine.language.widths)
        assert machine.circuit(max(machine.widths), 64).name == name
