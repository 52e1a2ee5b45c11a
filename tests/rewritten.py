"""A function with some of its text replaced: how tests put faults back."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

__all__ = ["rewritten"]


def rewritten(function: Callable[..., Any], old: str, new: str) -> Callable[..., Any]:
    """The function with `new` in the place of `old`, which its text has once, in its module."""
    text = textwrap.dedent(inspect.getsource(function))
    assert text.count(old) == 1, f"`{old}` is not once in `{function.__name__}`"
    names: dict[str, Callable[..., Any]] = {}
    code = f"from __future__ import annotations\n{text.replace(old, new)}"
    exec(compile(code, "<fault>", "exec"), function.__globals__, names)
    return names[function.__name__]
