"""Names of words: those that a machine may use, and those that the compiler reserves.

A name in a machine consists of letters, digits, `_` and single spaces, and begins with a letter. A
word of the compiler is RESERVED, or its name is a scope, a dot and a role: `pc.next` is the next
value of the register `pc`, `pc+3.carry.16` the carry into bit 16 of a sum. No machine can write
such a name, so the two never meet.
"""

from __future__ import annotations

import re

from looped.errors import CompileError

__all__ = ["NEXT", "RESERVED", "check_name", "plain", "scoped"]

RESERVED = frozenset({"one", "cpu", "device", "register", "value", "clear"})
"""Words of the compiler by their public names, and the name of the units that clear lanes."""

NEXT = "next"
"""The role of the next value of a register."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*( [A-Za-z0-9_]+)*")
_PREFIXES = ("position", "write ", "erase for ")
"""Positions with an offset, and heads."""


def check_name(name: str, where: str) -> None:
    """Raise CompileError unless a machine may use the name for a word."""
    if name in RESERVED or name.startswith(_PREFIXES):
        raise CompileError(
            f"word `{name}` at {where}: the compiler reserves that name",
            hint=f"reserved are {', '.join(sorted(RESERVED))}, and what begins with "
            "`position`, `write ` or `erase for `",
        )
    if not _NAME.fullmatch(name):
        raise CompileError(
            f"word `{name}` at {where}: a word cannot have that name",
            hint="letters, digits, `_` and single spaces, a letter first",
        )


def scoped(scope: str, *parts: object) -> str:
    """A name that the compiler reserves: `pc.next`."""
    return ".".join((scope, *map(str, parts)))


def plain(name: str) -> str:
    """A name for display: the next value of a register has the name of the register."""
    return name.removesuffix(f".{NEXT}")
