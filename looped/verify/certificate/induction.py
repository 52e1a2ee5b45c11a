"""Induction: a statement about every lane of every column after every phase of a loop.

All proofs rely on these statements. The certificate proves the first ones for the columns that an
image gives. Phase by phase, it proves that the weights lead from one statement to the next. The
statements at the end of a loop are again those at its beginning. Each lane has a statement: a fixed
sign, a bit of its column's code, a bit of the column's content, or what a lane of the circuit
holds. A lane without any other statement holds -1. So the proof covers all lanes: static lanes,
tags, codes and idle lanes stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from looped.artefact.embedding import embed_compact
from looped.artefact.plan import Plan
from looped.artefact.residual import Residual
from looped.circuit.words import ONE, Lane
from looped.passes.allocate import CPU, REGISTER, TAG, VALUE
from looped.verify.certificate.claims import LAYOUT, Claim
from looped.verify.certificate.columns import POSITION, ColumnClass
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.phases import LaneIndex, Phase

__all__ = ["Code", "Content", "Fixed", "Held", "Induction", "Statement", "induction_claims"]


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same sign in all columns of a class."""

    sign: int


@dataclass(frozen=True, slots=True)
class Code:
    """A bit of the code of the column in a word of positions."""

    word: str
    bit: int


@dataclass(frozen=True, slots=True)
class Content:
    """A bit of the memory word or register in the column: any ±1 that is written there."""

    bit: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a lane of the circuit holds."""

    lane: Lane


Statement = Fixed | Code | Content | Held

_WIDEST = 63
"""The most bits of an integer in the test columns: int64 holds it."""


@dataclass(frozen=True)
class Induction:
    """The statements of all phases."""

    context: ProofContext

    def at(self, phase: Phase, columns: ColumnClass) -> tuple[Statement, ...]:
        """The statement about each lane of a class of columns after a phase."""
        words: dict[LaneIndex, Statement]
        if columns.is_cpu:
            words = {i: Held(lane) for i, lane in self.context.occupants(phase).items()}
        elif not columns.free:
            words = {}
        else:
            words = {i: Content(bit) for bit, i in enumerate(self.context.value())}
        static = self._static(columns)
        return tuple(
            static.get(place) or words.get(place) or Fixed(-1)
            for place in map(LaneIndex, range(self.context.plan.d_model))
        )

    def _static(self, columns: ColumnClass) -> Mapping[LaneIndex, Statement]:
        """The statements about the constant, the tags and the positions."""
        index, plan = self.context.layout.index, self.context.plan
        first = int(columns.members[0])
        device, file = first >= plan.cpu, plan.memory <= first < plan.cpu
        signs = {ONE: True, CPU[0]: first == plan.cpu, TAG[0]: device}
        signs |= {REGISTER[0]: file} if plan.n_registers else {}
        found: dict[LaneIndex, Statement] = {
            LaneIndex(index[lane]): Fixed(1 if sign else -1) for lane, sign in signs.items()
        }
        for word, lanes in plan.words.items():
            if word.startswith(POSITION):
                for bit, lane in enumerate(lanes):
                    coded = not device and (not file or bit < plan.n_registers.bit_length() - 1)
                    sign = 1 if device and plan.has_input and not columns.is_cpu else -1
                    found[LaneIndex(lane)] = Code(word, bit) if coded else Fixed(sign)
        return found


def induction_claims(induction: Induction) -> Iterator[Claim]:
    """The claims that columns begin as stated, and that the end of a loop states what its beginning
    states."""
    context = induction.context
    d_model = context.plan.d_model
    yield Claim(
        None, "beginning", "columns of every image and entry begin as stated, in every lane",
        LAYOUT, d_model * context.plan.columns, _beginning(induction),
    )  # fmt: skip
    yield Claim(
        None, "end", "states the same of every lane as the beginning, registers by their next "
        "values; a lane has one occupant", LAYOUT, d_model * len(context.classes), _end(induction),
    )  # fmt: skip


def _beginning(induction: Induction) -> str | None:
    """The first lane that is not as stated, in the columns of an empty memory or of one that has a
    full word; or None."""
    context, plan = induction.context, induction.context.plan
    registers = {lane for register in context.circuit.registers for lane in register.word}
    ones = (1 << min(plan.width, _WIDEST)) - 1
    last = None if plan.baked else (1 << min(len(plan.words["pc"]), _WIDEST)) - 1
    for start in (None, last):
        x = embed_compact([] if start is None else [ones], plan, start)
        for columns in context.classes:
            statements = induction.at(Phase(context.first), columns)
            for place, stated in enumerate(statements):
                if isinstance(stated, Held) and stated.lane not in registers:
                    return f"{plan.lane_name(place)} is live as a loop begins but holds no register"
            wrong = _not_as_stated(x, columns, statements, plan)
            if wrong is not None:
                return f"{plan.lane_name(wrong)} of columns {columns.name} is not as stated"
    return None


def _not_as_stated(
    x: Residual, columns: ColumnClass, statements: Sequence[Statement], plan: Plan
) -> int | None:
    """The first lane that is not as stated in a class of columns, or None."""
    if columns.counts:
        return _not_as_stated_of_all(x, statements)
    own = np.stack([x.column(column) for column in columns.members.tolist()])
    for place, stated in enumerate(statements):
        expected = _expected(stated, columns, plan)
        if expected is not None and (own[:, place] != expected).any():
            return place
    return None


def _not_as_stated_of_all(x: Residual, statements: Sequence[Statement]) -> int | None:
    """The same for all columns that are alike, by what they have in common."""
    counted = {
        lane: (offset % x.alike, bit)
        for lanes, offset in x.positions
        for bit, lane in enumerate(lanes)
    }
    for place, stated in enumerate(statements):
        match stated:
            case Fixed(sign) if place in counted:
                right = sign == -1 and x.alike <= 1 << counted[place][1]
            case Fixed(sign):
                right = place not in x.lanes and x.row[place] == sign
            case Code(word, bit):
                offset = int(word.removeprefix(POSITION) or 0) % x.alike
                right = counted.get(LaneIndex(place)) == (offset, bit)
            case _:
                right = True
        if not right:
            return place
    return None


def _expected(stated: Statement, columns: ColumnClass, plan: Plan) -> object:
    """What a lane holds in each column of a class, None if it may have either sign."""
    match stated:
        case Fixed(sign):
            return sign
        case Code(word, bit):
            offset = int(word.removeprefix(POSITION) or 0)
            first = plan.memory if columns.members[0] >= plan.memory else 0
            code = columns.members - first + (0 if first else offset)
            return np.where((code % plan.memory) >> bit & 1, 1, -1)
        case _:
            return None


def _end(induction: Induction) -> str | None:
    context = induction.context
    kept = {new: old for old, new in context.next_lanes().items()}
    for phase in range(context.first, context.last + 1):
        shared = _shared_lane(context, Phase(phase))
        if shared is not None:
            return f"{context.plan.lane_name(shared)} has two occupants at once"
    for columns in context.classes:
        begins = induction.at(Phase(context.first), columns)
        ends = induction.at(Phase(context.last), columns)
        for place, (begin, end) in enumerate(zip(begins, ends, strict=True)):
            again = Held(kept.get(end.lane, end.lane)) if isinstance(end, Held) else end
            if again != begin:
                name = context.plan.lane_name(place)
                return f"{name} does not hold what it must at the end of a loop"
    return None


def _shared_lane(context: ProofContext, phase: Phase) -> int | None:
    """A lane with two occupants after a phase, or with one although its sign is fixed."""
    counts = Counter[int](context.occupied(phase))
    counts.update(lane for n, lanes in context.plan.words.items() for lane in lanes
                  if n == VALUE or n in context.static_names)  # fmt: skip
    return next((lane for lane, count in counts.items() if count > 1), None)
