"""The new value of a lane: a sum of bits, some of them under conditions."""

from __future__ import annotations

from dataclasses import dataclass, field

from looped.engines.lifted.conditions import Bit, Expression, leaves

__all__ = ["Form", "State", "Sum", "lane_form"]

State = float | Bit
"""A lane: the constant 0 or 1, or a bit of a value."""


@dataclass
class Form:
    """`constant + Σ coefficient · bit`."""

    constant: float = 0.0
    bits: dict[Bit, float] = field(default_factory=dict)

    def add(self, other: Form, factor: float = 1.0) -> None:
        """Add a multiple of another form."""
        self.constant += factor * other.constant
        for bit, coefficient in other.bits.items():
            self.bits[bit] = self.bits.get(bit, 0.0) + factor * coefficient


@dataclass
class Sum:
    """The new value of a lane: a form, plus forms under conditions."""

    form: Form
    gated: list[tuple[Expression, Form]] = field(default_factory=list)

    def gate(self, condition: Expression, form: Form) -> None:
        """Add `condition · form`."""
        if condition is True:
            self.form.add(form)
        elif condition is not False:
            self.gated.append((condition, form))

    @property
    def is_condition(self) -> bool:
        """Whether the sum is 1 where its only condition holds, and -1 elsewhere."""
        if len(self.gated) != 1 or any(self.form.bits.values()):
            return False
        form = self.gated[0][1]
        return self.form.constant == -1 and form.constant == 2 and not any(form.bits.values())

    def mentioned(self) -> set[Bit]:
        """The bits on which the sum may depend."""
        found = {bit for bit, coefficient in self.form.bits.items() if coefficient}
        for condition, form in self.gated:
            found |= leaves(condition) | set(form.bits)
        return found


def lane_form(state: State, factor: float = 1.0) -> Form:
    """`factor · lane`, where the lane is ±1."""
    if isinstance(state, Bit):
        return Form(-factor, {state: 2 * factor})
    return Form(factor * (2 * state - 1))
