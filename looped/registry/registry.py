"""The list of machines: each registers itself, and all other code finds it by name."""

from __future__ import annotations

from looped.errors import CompileError
from looped.profiles.profile import FuzzProfile
from looped.registry.definition import Machine

__all__ = ["fuzz_profile", "machine", "names", "register", "unregister"]

_machines: dict[str, Machine] = {}


def register(new: Machine) -> Machine:
    """Add a machine, for this process. Raises CompileError if its name is taken."""
    if new.name in _machines:
        raise CompileError(f"a machine named `{new.name}` is registered already")
    if new.language.name != new.name:
        raise CompileError(f"the language of `{new.name}` has another name: `{new.language.name}`")
    _machines[new.name] = new
    return new


def unregister(name: str) -> None:
    """Remove a machine. Raises CompileError if no machine has this name."""
    del _machines[machine(name).name]


def names() -> tuple[str, ...]:
    """The names of all machines."""
    return tuple(_machines)


def machine(name: str) -> Machine:
    """A machine by its name. Raises CompileError if no machine has this name."""
    if name not in _machines:
        raise CompileError(f"no machine named `{name}`", hint=f"machines: {', '.join(names())}")
    return _machines[name]


def fuzz_profile(name: str) -> FuzzProfile:
    """The profile that makes random programs for a machine. Raises CompileError if it has none."""
    profile = machine(name).fuzz
    if profile is None:
        others = ", ".join(m.name for m in _machines.values() if m.fuzz is not None)
        hint = f"machines with random programs: {others}"
        raise CompileError(f"{name} has no random programs", hint=hint)
    return profile
