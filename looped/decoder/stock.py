"""The package `transformers`, an optional dependency."""

from __future__ import annotations

import importlib
from typing import Any

from looped.errors import CompileError

__all__ = ["transformers"]


def transformers() -> Any:
    """The package. Raises CompileError if it is not installed."""
    try:
        return importlib.import_module("transformers")
    except ImportError:
        hint = "pip install 'looped[hf]'"
        raise CompileError("a causal language model needs transformers", hint=hint) from None
