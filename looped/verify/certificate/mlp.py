"""What the MLP of a block does to every lane of every class of columns, for all states.

The CPU's lanes must become what the circuit defines, dead lanes must become -1, and all other lanes
must stay. In every other column nothing may change. Both sides of a claim are functions of the same
±1 lanes: one comes from the rows of W_gate, W_up and W_down, one from the description of the
circuit. They are equal only if they are the same node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from looped.circuit.signals import Signal
from looped.circuit.words import ONE, Lane
from looped.diagrams import Diagrams, Node, TooLarge
from looped.verify.certificate.claims import DIAGRAMS, Claim, ClaimFailed
from looped.verify.certificate.columns import ColumnClass
from looped.verify.certificate.context import Occupants, ProofContext
from looped.verify.certificate.induction import Fixed, Held, Induction
from looped.verify.certificate.phases import LaneIndex, Phase, after_attention, after_mlp
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.rows import BlockRows, Row
from looped.verify.certificate.semantics import CircuitSemantics
from looped.verify.certificate.thresholds import Affine, Product, evaluated

__all__ = ["mlp_claims", "products"]


_OTHERS = "all other lanes"


@dataclass(frozen=True, slots=True)
class _LaneResult:
    """A lane of the CPU: the part of the claims that it belongs to, and what is wrong with it."""

    lane: LaneIndex
    part: str
    failed: ClaimFailed | None


def mlp_claims(context: ProofContext, block: int, rows: BlockRows) -> Iterator[Claim]:
    """The claims about the MLP of a block: one for each word that it makes, one for each class."""
    by_part: dict[str, list[str | None]] = {}
    for lane in _cpu_lanes(context, block, rows):
        failed = lane.failed
        name = context.plan.lane_name(lane.lane)
        fault = None if failed is None else f"{name}: {failed.reason}"
        by_part.setdefault(lane.part, []).append(fault)
    for part, faults in by_part.items():
        statement = "is what the circuit defines, and ±1"
        if part == _OTHERS:
            statement = "keep their values, or return to -1 after their last use"
        yield _claim(block, part, statement, faults)
    for columns in context.classes:
        if not columns.is_cpu:
            results = [_untouched(rows, i, columns) for i in range(context.plan.d_model)]
            reasons = [None if failed is None else failed.reason for failed in results]
            yield _claim(block, f"columns {columns.name}", "do not change", reasons)


def _cpu_lanes(context: ProofContext, block: int, rows: BlockRows) -> Iterator[_LaneResult]:
    """Every lane of the CPU."""
    induction = Induction(context)
    proof = _CpuMlp(context, rows, context.occupants(after_attention(block)))
    made = {Held(bit.lane): bit for bit in context.schedule.bits.get(after_mlp(block), [])}
    phases: tuple[Phase, ...] = (after_attention(block), after_mlp(block))
    stated = (induction.at(phase, context.cpu) for phase in phases)
    for number, (old, new) in enumerate(zip(*stated, strict=True)):
        index = LaneIndex(number)
        if isinstance(new, Held) and new in made:
            bit = made.pop(new)
            part = f"`{bit.lane.word.removeprefix('next ')}`"
            yield _LaneResult(index, part, proof.made(index, bit.signal))
        elif new == old or isinstance(new, Fixed):
            sign = new.sign if isinstance(new, Fixed) else None
            yield _LaneResult(index, _OTHERS, proof.kept(index, sign))
        else:
            failed = ClaimFailed("nothing makes its occupant")
            yield _LaneResult(index, _OTHERS, failed)
    for lost in made.values():
        failed = ClaimFailed(f"`{lost.lane}` is made but not kept")
        yield _LaneResult(context.index(lost.lane), _OTHERS, failed)


def _claim(block: int, part: str, statement: str, faults: list[str | None]) -> Claim:
    fault = next((f for f in faults if f), None)
    return Claim(block, f"MLP: {part}", statement, DIAGRAMS, len(faults), fault)


def products(rows: BlockRows, lane: int, columns: ColumnClass, names: Occupants) -> list[Product]:
    """The hidden units that add to a lane, over the free lanes of a class of columns."""
    return [
        Product(
            restricted(rows.gate[unit], columns, names),
            restricted(rows.up[unit], columns, names),
            factor,
        )
        for unit, factor in rows.down[lane].items()
        if rows.gate[unit] and rows.up[unit]
    ]


def restricted(row: Row, columns: ColumnClass, names: Mapping[LaneIndex, Lane]) -> Affine:
    """A form on a class of columns: fixed lanes become part of the constant."""
    constant = sum(c * columns.fixed[lane] for lane, c in row.items() if lane in columns.fixed)
    terms = ((names.get(LaneIndex(i), i), c) for i, c in row.items() if i not in columns.fixed)
    return Affine(tuple(terms), constant)


class _CpuMlp:
    """The MLP of a block on the CPU column, whose lanes have occupants `before` it."""

    def __init__(self, context: ProofContext, rows: BlockRows, before: Occupants) -> None:
        self.context = context
        self.rows = rows
        self.before = before
        self.cpu = context.cpu.with_free(frozenset(before))

    def made(self, index: LaneIndex, signal: Signal) -> ClaimFailed | None:
        """What is wrong with a lane that a definition makes, or None."""
        there = {ONE, *self.before.values()}
        missing = [lane for lane in signal.lanes() if lane not in there]
        if missing:
            return ClaimFailed(f"it needs `{missing[0]}`, which is not live")
        space = Diagrams()
        semantics = CircuitSemantics(space, {})
        try:
            semantics.arrange(signal)
            bit = semantics.signal(signal)
            expected = space.add(space.scaled(bit, 2), space.number(-1))
            failed = self._compared(space, index, expected)
            if failed is not None:
                return failed
            strays = space.negated(space.among(bit, (0, 1)))
            stray = possible(self.context, semantics, strays)
        except TooLarge as error:
            return ClaimFailed(str(error))
        return ClaimFailed("it is not always a bit") if stray else None

    def kept(self, index: LaneIndex, sign: int | None) -> ClaimFailed | None:
        """What is wrong with a lane that nothing makes, or None.

        It must have this sign; None: it must keep its value.
        """
        space = Diagrams()
        try:
            expected = self._old(space, index) if sign is None else space.number(sign)
            return self._compared(space, index, expected)
        except TooLarge as error:
            return ClaimFailed(str(error))

    def _compared(self, space: Diagrams, index: LaneIndex, expected: Node) -> ClaimFailed | None:
        """What is wrong with a lane that must become `expected`, or None."""
        change = _change(space, self.rows, index, self.cpu, self.before)
        if isinstance(change, ClaimFailed):
            return change
        return _different(space, space.add(self._old(space, index), change), expected)

    def _old(self, space: Diagrams, index: LaneIndex) -> Node:
        """What a lane holds before."""
        if index in self.cpu.fixed:
            return space.number(self.cpu.fixed[index])
        return space.affine([(space.variable(self.before.get(index, index)), 1)], 0)


def _change(
    space: Diagrams, rows: BlockRows, index: int, columns: ColumnClass, names: Occupants
) -> Node | ClaimFailed:
    """What the hidden units add to a lane."""
    return evaluated(space, products(rows, index, columns, names))


def _different(space: Diagrams, becomes: Node, expected: Node) -> ClaimFailed | None:
    """The states in which two functions differ, or None."""
    if becomes == expected:
        return None
    state = space.state(space.negated(space.equals(becomes, expected)))
    shown = ", ".join(f"{name} = {sign:+d}" for name, sign in list(state.items())[:6])
    return ClaimFailed(f"it is wrong where {shown or 'anything'}")


def _untouched(rows: BlockRows, index: int, columns: ColumnClass) -> ClaimFailed | None:
    """What is wrong with a lane of a column that the MLP must not change, or None."""
    space = Diagrams()
    try:
        change = _change(space, rows, index, columns, {})
        if isinstance(change, ClaimFailed):
            return change
        return _different(space, change, space.zero)
    except TooLarge as error:
        return ClaimFailed(str(error))
