"""Lanes by name, linear forms of them, and the units of an MLP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from looped.circuit import words as circuit
from looped.circuit.words import Lane, Word
from looped.errors import CompileError

__all__ = ["Form", "Lanes", "Units", "bit", "constant", "lane", "number", "ones"]


class Lanes:
    """The lanes of the residual stream in groups; lane 0 is `one`, which is always +1."""

    def __init__(self, groups: Iterable[tuple[str, int]]) -> None:
        self.groups: dict[str, range] = {"one": range(1)}
        self.size = 1
        for name, count in groups:
            self.add(name, count)

    def add(self, name: str, count: int) -> None:
        """Add a group of lanes. Raises CompileError if there is one of that name."""
        self.alias(name, range(self.size, self.size + count))
        self.size += count

    def alias(self, name: str, lanes: range) -> None:
        """Name a group of lanes that others have, too. Raises CompileError as `add` does."""
        if name in self.groups:
            raise CompileError(f"two words of a trace have the name `{name}`")
        self.groups[name] = lanes

    def index(self, lane: Lane) -> int:
        """The lane of the residual stream that holds a lane of a circuit."""
        return self.groups[lane.word][lane.index]

    def indices(self, word: Word) -> list[int]:
        """The lanes of the residual stream that hold a word of a circuit."""
        return [self.index(lane) for lane in word]

    def form(self, form: circuit.Form) -> Form:
        """A form of a circuit as one of the residual stream."""
        weights = {self.index(lane): float(c) for lane, c in form.terms.items()}
        return Form({**weights, 0: float(form.constant)} if form.constant else weights)

    def __getitem__(self, name: str) -> range:
        return self.groups[name]


class Form:
    """A sum of lanes with weights; the weight of lane 0 is the constant."""

    def __init__(self, weights: dict[int, float] | None = None) -> None:
        self.weights = weights or {}

    def __add__(self, other: Form) -> Form:
        total = dict(self.weights)
        for index, weight in other.weights.items():
            total[index] = total.get(index, 0.0) + weight
        return Form(total)

    def __mul__(self, factor: float) -> Form:
        return Form({index: weight * factor for index, weight in self.weights.items()})

    def __sub__(self, other: Form) -> Form:
        return self + other * -1.0


def lane(index: int) -> Form:
    """A lane: -1 or +1."""
    return Form({index: 1.0})


def constant(value: float) -> Form:
    """A number."""
    return Form({0: float(value)})


def bit(index: int) -> Form:
    """A lane as 0 or 1."""
    return Form({index: 0.5, 0: 0.5})


def ones(word: Sequence[int]) -> Form:
    """How many bits of a word are 1."""
    return sum((bit(index) for index in word), constant(0))


def number(word: Sequence[int]) -> Form:
    """The unsigned value of a word, whose lowest bit comes first."""
    return sum((bit(index) * (1 << place) for place, index in enumerate(word)), constant(0))


@dataclass(slots=True)
class Units:
    """The hidden units of an MLP: each adds relu(gate) · up to a lane."""

    units: list[tuple[Form, Form, int]] = field(default_factory=list)

    def add(self, gate: Form, up: Form, target: int) -> None:
        """Add relu(gate) · up to a lane."""
        self.units.append((gate, up, target))

    def step(self, z: Form, least: int, up: Form, target: int) -> None:
        """Add `up` to a lane if an integer z is at least t, the given one.

        relu(z - t + 1) - relu(z - t) is 1 then, and 0 otherwise.
        """
        self.add(z - constant(least - 1), up, target)
        self.add(z - constant(least), up * -1.0, target)
