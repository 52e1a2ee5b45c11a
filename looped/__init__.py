"""looped: from assembly language to the weights of a looped transformer.

Public names are loaded when they are first used: `import looped.nn` loads no compiler.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "assemble": "looped.api",
    "certify": "looped.api",
    "compile": "looped.api",
    "compile_machine": "looped.api",
    "embed": "looped.artefact.embedding",
    "memory_words": "looped.artefact.embedding",
    "run": "looped.api",
    "verify": "looped.api",
    "Agreement": "looped.verify.lockstep",
    "CompiledMachine": "looped.artefact.plan",
    "Image": "looped.image",
    "LoopedError": "looped.errors",
    "Trace": "looped.trace",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module `looped` has no attribute `{name}`")
    if name in ("run", "verify"):  # packages that can be called: see `looped.callable_package`
        return importlib.import_module(f"looped.{name}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
