"""Agreement of the transformer with the reference, shown.

The package is also the call `looped.verify(machine, image)`: a name that is imported as a package
and called as a function must be both.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that can be called: see `looped.api.verify`."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return importlib.import_module("looped.api").verify(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
