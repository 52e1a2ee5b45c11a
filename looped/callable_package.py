"""Packages that are calls too: `looped.run` is a room and `looped.run(machine, image)` a call.

Importing a package binds its name in `looped`, so the name must serve as both.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__all__ = ["make_callable"]


class _Callable(ModuleType):
    """A package that calls the function of `looped.api` with its own name."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        function = getattr(importlib.import_module("looped.api"), self.__name__.rpartition(".")[2])
        return function(*arguments, **options)


def make_callable(package: str) -> None:
    """Let an imported package be called as the function of `looped.api` with its last name."""
    sys.modules[package].__class__ = _Callable
