"""The list of machines: each registers itself, and all other code finds it by name."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from looped.errors import CompileError

if TYPE_CHECKING:
    from looped.profiles.profile import FuzzProfile
    from looped.registry.definition import Machine

__all__ = ["announce", "fuzz_profile", "has_others", "machine", "names", "register", "unregister"]

_machines: dict[str, Machine] = {}

_modules: dict[str, str | None] = {}
"""All machines by name, in order: the module that registers one when it is imported."""


def announce(name: str, module: str) -> None:
    """Add a machine that `module` registers; the first use of the machine imports the module."""
    _modules[name] = module


def register(new: Machine) -> Machine:
    """Add a machine, for this process. Raises CompileError if its name is taken."""
    module = _modules.get(new.name)
    if new.name in _machines or not (module is None or module in sys.modules):
        raise CompileError(f"a machine named `{new.name}` is registered already")
    if new.language.name != new.name:
        raise CompileError(f"the language of `{new.name}` has another name: `{new.language.name}`")
    _modules.setdefault(new.name, None)
    _machines[new.name] = new
    return new


def unregister(name: str) -> None:
    """Remove a machine. Raises CompileError if no machine has this name."""
    del _machines[machine(name).name], _modules[name]


def has_others() -> bool:
    """Whether there are machines from outside the package."""
    return None in _modules.values()


def names() -> tuple[str, ...]:
    """The names of all machines."""
    return tuple(_modules)


def machine(name: str) -> Machine:
    """A machine by its name. Raises CompileError if no machine has this name."""
    if name not in _modules:
        raise CompileError(f"no machine named `{name}`", hint=f"machines: {', '.join(names())}")
    module = _modules[name]
    if name not in _machines and module is not None:
        importlib.import_module(module)
    return _machines[name]


def fuzz_profile(name: str) -> FuzzProfile:
    """The profile that makes random programs for a machine. Raises CompileError if it has none."""
    profile = machine(name).fuzz
    if profile is None:
        others = ", ".join(other for other in names() if machine(other).fuzz is not None)
        hint = f"machines with random programs: {others}"
        raise CompileError(f"{name} has no random programs", hint=hint)
    return profile
