"""Parameter: a whole number that a machine is compiled for, beside its width and its memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from looped.errors import CompileError

__all__ = ["Parameter", "settled"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a machine by its name; `meaning` is a phrase for help and errors.

    `values(width)` are the possible values with words of `width` bits, in ascending order;
    `default(width)` is the usual one. A program says which value it needs by a symbol
    (`Image.parameter`).

    `dialects` are names of values for which authors write their programs; a parameter that has
    some is 0 by default, and then neither the plan nor a message mentions it.
    """

    name: str
    meaning: str
    values: Callable[[int], Sequence[int]]
    default: Callable[[int], int]
    dialects: Mapping[str, int] = field(default_factory=dict)

    def check(self, machine: str, width: int, value: int) -> None:
        """Raise CompileError unless the parameter can have this value."""
        values = self.values(width)
        if value not in values:
            known = _listed(values)
            raise CompileError(
                f"{machine} with {width}-bit words cannot have a {self.name} of {value}",
                hint=f"{self.name}, {self.meaning}: {known or 'none'}",
            )


def _listed(values: Sequence[int]) -> str:
    """Some values as text, a range by its ends."""
    if not isinstance(values, range) or not values:
        return ", ".join(map(str, values))
    of = f"multiples of {values.step:#x}, " if values.step > 1 else ""
    return f"{of}{values[0]} to {values[-1] if values.step == 1 else hex(values[-1])}"


def settled(
    machine: str, parameters: Sequence[Parameter], width: int, asked: Mapping[str, int]
) -> dict[str, int]:
    """The value of every parameter: the one asked for, or the default.

    Raises CompileError for a name or a value that the machine does not have.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in asked:
        if name not in known:
            usual = [other for other in known if not known[other].dialects]
            hint = f"parameters: {', '.join(usual)}" if usual else f"{machine} has no parameters"
            raise CompileError(f"{machine} has no parameter `{name[:40]}`", hint=hint)
    values = {name: asked.get(name, p.default(width)) for name, p in known.items()}
    for name, value in values.items():
        known[name].check(machine, width, value)
    return {name: value for name, value in values.items() if value or not known[name].dialects}
