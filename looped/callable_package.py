"""Callable packages: `looped.run` is a package, and `looped.run(machine, image)` is a call.

Importing the package binds its name in `looped`, so one name must serve for both.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__all__ = ["make_callable"]


class _Callable(ModuleType):
    """A package that, when called, calls the function of `looped.api` with its name."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        function = getattr(importlib.import_module("looped.api"), self.__name__.rpartition(".")[2])
        return function(*arguments, **options)


def make_callable(package: str) -> None:
    """Make an imported package callable: it calls the function of `looped.api` with its name."""
    sys.modules[package].__class__ = _Callable
