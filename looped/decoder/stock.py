"""Packages that hosts of a causal machine need; all of them are optional dependencies."""

from __future__ import annotations

import importlib
from typing import Any

from looped.errors import CompileError

__all__ = ["installed", "transformers"]


def installed(package: str, need: str, extra: str) -> Any:
    """A package. Raises CompileError if it is not installed: `need` says what for, `extra` is the
    name under which `pip` installs it with this project."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.partition(".")[0]
        hint = f"pip install 'looped[{extra}]'"
        raise CompileError(f"{need} needs {name}", hint=hint) from None


def transformers() -> Any:
    """The package `transformers`. Raises CompileError if it is not installed."""
    return installed("transformers", "a causal language model", "hf")
