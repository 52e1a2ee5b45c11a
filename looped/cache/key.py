"""The key of an entry: a hash of all that the entry is computed from, sources included."""

from __future__ import annotations

import hashlib
import json
import platform
from functools import cache
from pathlib import Path

import numpy as np

__all__ = ["key"]

_PACKAGE = Path(__file__).parents[1]

_SOURCES = ("*.py", "*.lark", "*.sasm")
"""Code, grammars, and the library that every program can use."""


def key(*parts: object) -> str:
    """The key of what follows from `parts` (as JSON) and from this version of the package."""
    text = json.dumps([_sources(), *parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _sources() -> str:
    """A hash of all sources of the package, and the versions of Python and NumPy."""
    found = hashlib.sha256(f"{platform.python_version()} {np.__version__}".encode())
    for path in sorted(p for kind in _SOURCES for p in _PACKAGE.rglob(kind)):
        found.update(f"\n{path.relative_to(_PACKAGE)}\n".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()
