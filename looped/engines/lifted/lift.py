"""From weights to straight-line code: one pass of the driver, with its bits in words.

Every lane of the driver is a constant or a bit of some value. A block's attention adds bits of
other columns to it, its MLP functions of bits. Lanes with the same function of bits at the same
distance are computed as one word. A decision diagram shows that each lane is ±1; if it shows that
only for some states, a guard abandons the pass in all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from looped.analysis.grid import Ints
from looped.analysis.keys import NOBODY
from looped.analysis.steps import Affine, Gated, Threshold
from looped.engines.lifted.code import Code
from looped.engines.lifted.columns import Behaviour, Block
from looped.engines.lifted.conditions import Bit, Conditions, Expression, Not
from looped.engines.lifted.digits import take_digits
from looped.engines.lifted.entries import entry, is_simple, reordered
from looped.engines.lifted.fields import cut, find_fields
from looped.engines.lifted.heads import Capture, FixedTarget, Lookup, columns_of
from looped.engines.lifted.lookups import Lookups, Step
from looped.engines.lifted.model import Head
from looped.engines.lifted.sums import Form, State, Sum, lane_form
from looped.engines.lifted.words import Words
from looped.errors import CompileError

__all__ = ["Cut", "Lifted", "lift"]


@dataclass(frozen=True, slots=True)
class Cut:
    """What the code claims to have computed after the attention or the MLP of a block.

    `lanes` are the lanes of the driver, `end` is the number of instructions so far. After an
    attention, `targets` has for each head, by its number, the value that is the driver's target,
    and `captured` the heads with a store, in the order of the stores. A proof trusts none of these
    claims: it uses them to find what it then shows.
    """

    lanes: tuple[State, ...]
    end: int
    targets: Mapping[int, int] = field(default_factory=dict)
    captured: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lifted:
    """The code of a pass, and which lanes of the driver and of passive columns its words hold.

    `words[i]` lists the driver's lanes in word i. `packed` lists the lanes of a passive column,
    which are one word for each column. The memory of the code has one more word than columns: for
    captures that find no column.
    """

    code: Code
    behaviour: Behaviour
    words: tuple[tuple[int, ...], ...]
    packed: tuple[int, ...]
    cuts: tuple[Cut, ...]


def lift(behaviour: Behaviour) -> Lifted:
    """The code of a model whose columns have this behaviour. Raises CompileError."""
    fields = find_fields(behaviour)
    if len(fields.packed) > 64:
        what = "more than 64 lanes of passive columns change"
        raise CompileError(f"{what}: the model cannot be lifted")
    lifting = _Lifting(behaviour, fields.driver, fields.packed)
    for block, taken in zip(behaviour.blocks, fields.blocks, strict=True):
        lifting.align(taken)
        lifting.attend(block)
        lifting.align(taken)
        lifting.transform(block)
    return lifting.finish()


def _renamed(
    cut: Cut, unread: Mapping[int, tuple[int, ...]], words: Sequence[tuple[int, ...]]
) -> Cut:
    """A cut in which the bits of words that no instruction reads refer to their new word n by the
    value -1 - n: no instruction computes it."""
    places = {lane: Bit(-1 - n, p) for n, word in enumerate(words) for p, lane in enumerate(word)}
    lanes = tuple(
        places[unread[state.value][state.place]]
        if isinstance(state, Bit) and state.value in unread
        else state
        for state in cut.lanes
    )
    return replace(cut, lanes=lanes)


class _Lifting:
    """The lanes of the driver at some point of a pass, and the code so far."""

    def __init__(
        self, behaviour: Behaviour, words: list[tuple[int, ...]], packed: tuple[int, ...]
    ) -> None:
        self.behaviour = behaviour
        self.words = words
        self.packed = packed
        self.code = Code()
        self.cuts: list[Cut] = []
        self.widths: dict[int, int] = {}
        self.conditions = Conditions(self.code, self.widths)
        self.assembly = Words(self.code, self.widths, self.conditions.cubes)
        self.lookups = Lookups(self.code, self.widths, self.assembly.pack)
        known = behaviour.of(behaviour.driver)
        self.lanes: dict[int, State] = {lane: float(v > 0) for lane, v in enumerate(known)}
        for number, word in enumerate(words):
            value = self.code.emit("state", number=number, most=(1 << len(word)) - 1)
            self.widths[value] = len(word)
            for place, lane in enumerate(word):
                self.lanes[lane] = Bit(value, place)

    def align(self, words: Iterable[tuple[int, ...]]) -> None:
        """Assemble each word whose lanes are scattered over several values."""
        for word in words:
            states = [self.lanes[lane] for lane in word]
            bits = [(state, n) for n, state in enumerate(states) if isinstance(state, Bit)]
            pieces = {(state.value, state.place - n) for state, n in bits}
            if len(pieces) > 1:
                value = self.assembly.pack(states)
                self.lanes.update((word[n], Bit(value, n)) for _, n in bits)

    def attend(self, block: Block) -> None:
        """The attention of a block: of the driver, then of the columns that it captures."""
        sums: dict[int, Sum] = {}
        targets = {}
        for head, seen in block.heads:
            if isinstance(seen.driver, FixedTarget):
                targets[head.number] = self._attend_fixed(sums, head, seen.driver.column)
            else:
                targets[head.number] = self._attend_lookup(sums, head, seen.driver)
        captures = {h.number: v.capture for h, v in block.heads if v.capture is not None}
        for capture in captures.values():  # in turn: two heads may capture the same column
            self.code.emit("store", *self._captured(capture))
        self.assembly.assign(sums, self.lanes)
        self._cut(targets, tuple(captures))

    def transform(self, block: Block) -> None:
        """The MLP of a block."""
        sums: dict[int, Sum] = {}
        self.conditions.carries.keep(self.code, self.lanes.values())
        for lane, form in block.mlp.affine.items():
            self._sum(sums, lane).form.add(self._over_bits(form))
        steps = {lane: self._steps(gates) for lane, gates in block.mlp.gated.items()}
        constant = {lane: [s for s, form in own if not form.bits] for lane, own in steps.items()}
        taken = self.lookups.take(constant)
        carries: dict[int, Step] = {}
        for lane, own in steps.items():
            total = self._sum(sums, lane)
            looked_up, replaced = taken.get(lane, (Form(), set()))
            total.form.add(looked_up)
            left = [(step, form) for step, form in own if form.bits or step not in replaced]
            for digit in take_digits(left, self.conditions.is_count):
                bit = self.conditions.digit(dict(digit.bits), digit.constant, digit.place)
                total.form.add(Form(0.0, {bit: digit.value}))
            for step, added in left:
                condition = self.conditions.threshold(dict(step.bits), step.at, added.bits)
                total.gate(condition, added)
            if len(left) == 1 and total.is_condition:
                carries[lane] = left[0][0]
        self.assembly.assign(sums, self.lanes)
        for lane, step in carries.items():
            if isinstance(state := self.lanes[lane], Bit):
                self.conditions.carries.note(state, dict(step.bits), step.at)
        self._cut({}, ())

    def _steps(self, gates: Iterable[Gated]) -> list[tuple[Step, Form]]:
        """Gated forms over bits; the step has the form's constant."""
        result = []
        for gate in gates:
            form = self._over_bits(gate.form)
            result.append((Step(*self._weighed(gate.threshold), form.constant), form))
        return result

    def _cut(self, targets: Mapping[int, int], captured: tuple[int, ...]) -> None:
        lanes = tuple(self.lanes[lane] for lane in range(len(self.lanes)))
        self.cuts.append(Cut(lanes, len(self.code.instructions), targets, captured))

    def finish(self) -> Lifted:
        """Pack the lanes into the words of the next pass.

        Lanes of words that the pass neither reads nor keeps are packed in the order in which their
        new values come.
        """
        code = self.code
        used = {o for i in code.instructions for o in i.operands}
        used |= {state.value for state in self.lanes.values() if isinstance(state, Bit)}
        states = [code.emit("state", number=number) for number in range(len(self.words))]
        read = [n for n, value in enumerate(states) if value in used]
        free: dict[int, list[tuple[int, int]]] = {}
        kept = [self.words[n] for n in read]
        for number, word in enumerate(self.words):
            for lane in () if number in read else word:
                state = self.lanes[lane]
                origin, place = state if isinstance(state, Bit) else (-1, lane)
                free.setdefault(origin, []).append((place, lane))
        for lanes in free.values():
            kept += cut([lane for _, lane in sorted(lanes)])
        renumbered = {n: position for position, n in enumerate(read)}
        code.instructions = [
            replace(i, number=renumbered.get(i.number, 0)) if i.operation == "state" else i
            for i in code.instructions
        ]
        code.following = [self.assembly.pack([self.lanes[lane] for lane in word]) for word in kept]
        unread = {states[n]: word for n, word in enumerate(self.words) if n not in read}
        cuts = tuple(_renamed(cut, unread, kept) for cut in self.cuts)
        return Lifted(code, self.behaviour, tuple(kept), self.packed, cuts)

    def _load(self, column: int) -> int:
        value = self.code.emit("load", column, most=(1 << len(self.packed)) - 1)
        self.widths[value] = len(self.packed)
        return value

    def _attend_fixed(self, sums: dict[int, Sum], head: Head, column: int) -> int:
        """Add the output of a head with a fixed target; returns the target as a value."""
        place = self.code.const(column)
        if column == self.behaviour.driver:
            self._add(sums, head, self.lanes)
        else:
            self._add(sums, head, self._content(self._load(place), np.array([column])))
        return place

    def _attend_lookup(self, sums: dict[int, Sum], head: Head, lookup: Lookup) -> int:
        """Add the output of a head whose target depends on a code, and may be the driver; returns
        the target as a value."""
        column = self._column(lookup.bits, lookup.table, NOBODY)
        columns = columns_of(lookup.table)
        others = columns[columns != self.behaviour.driver]
        if not others.size:
            self._add(sums, head, self.lanes)
            return column
        content = self._content(self._load(column), others)
        if len(others) == len(columns):
            self._add(sums, head, content)
            return column
        itself = Bit(self.code.emit("equal", column, self.code.const(self.behaviour.driver)), 0)
        self._add(sums, head, content, Not(itself))
        self._add(sums, head, self.lanes, itself)
        return column

    def _add(
        self,
        sums: dict[int, Sum],
        head: Head,
        content: Mapping[int, State],
        condition: Expression = True,
    ) -> None:
        """Add the output of a head whose target has the lanes `content`, if a condition holds."""
        for lane, factors in head.w_ov.items():
            form = Form()
            for source, factor in factors.items():
                form.add(lane_form(content[source], factor))
            self._sum(sums, lane).gate(condition, form)

    def _content(self, cell: int, columns: Ints) -> dict[int, State]:
        """The lanes of one of `columns`: the packed ones are the value `cell`, others are known."""
        known = self.behaviour.of(int(columns[0]))
        content: dict[int, State] = {lane: float(value > 0) for lane, value in enumerate(known)}
        content.update({lane: Bit(cell, place) for place, lane in enumerate(self.packed)})
        return content

    def _column(self, bits: Sequence[Threshold], table: Ints, spare: int) -> int:
        """The column that a table has for the code whose bits are some conditions, as a value.

        If the table has none, the column is `spare`. A guard abandons the pass if that is NOBODY,
        or if the column is protected and `spare` is not NOBODY. The bits are sorted as they lie in
        their word, so that often the code is the column plus a constant. If only the given order
        makes the table so simple, they keep that.
        """
        states = self._spelled(bits)
        order = sorted(
            range(len(states)), key=lambda b: states[b] if isinstance(states[b], Bit) else (-1, b)
        )
        columns = reordered(table, order)
        if is_simple(table) and not is_simple(columns):
            columns, order = table, list(range(len(states)))
        code = self.assembly.pack([states[b] for b in order])
        columns = np.where(columns == NOBODY, spare, columns)
        if spare != NOBODY:
            columns = np.where(np.isin(columns, self.behaviour.protected), NOBODY, columns)
        column = entry(self.code, columns, code, spare)
        if (columns == NOBODY).any():
            self.code.emit("guard", self.code.emit("negative", column))
        return column

    def _spelled(self, bits: Sequence[Threshold]) -> list[State]:
        """Conditions as bits of words."""
        sums = {}
        for number, threshold in enumerate(bits):
            sums[number] = Sum(Form(-1.0))
            sums[number].gate(self._condition(threshold), Form(2.0))
        states: dict[int, State] = {}
        self.assembly.assign(sums, states)
        return [states[number] for number in range(len(bits))]

    def _captured(self, capture: Capture) -> tuple[int, int]:
        """The captured column and its new content, as values."""
        column = self._column(capture.bits, capture.table, len(self.behaviour.columns))
        cell = self._load(column)
        content: dict[int, State] = {
            lane: Bit(cell, place) for place, lane in enumerate(self.packed)
        }
        sums: dict[int, Sum] = {}
        for lane, (constant, own, driver) in capture.effects.items():
            total = sums.setdefault(lane, Sum(lane_form(content[lane], 1.0)))
            total.form.add(Form(constant))
            for source, factor in own.items():
                total.form.add(lane_form(content[source], factor))
            for source, factor in driver.items():
                total.form.add(lane_form(self.lanes[source], factor))
        self.assembly.assign(sums, content)
        return column, self.assembly.pack([content[lane] for lane in self.packed])

    def _sum(self, sums: dict[int, Sum], lane: int) -> Sum:
        return sums.setdefault(lane, Sum(lane_form(self.lanes[lane], 1.0)))

    def _over_bits(self, form: Affine) -> Form:
        result = Form(form.constant, {})
        for lane, coefficient in form.bits.items():
            state = self.lanes[lane]
            result.add(
                Form(0.0, {state: coefficient})
                if isinstance(state, Bit)
                else Form(coefficient * state, {})
            )
        return result

    def _condition(self, threshold: Threshold) -> Expression:
        bits, at = self._weighed(threshold)
        return self.conditions.threshold(dict(bits), at)

    def _weighed(self, threshold: Threshold) -> tuple[tuple[tuple[Bit, int], ...], int]:
        """A threshold over bits of values, without the lanes that are constant."""
        bits: dict[Bit, int] = {}
        at = threshold.at
        for lane, weight in threshold.bits:
            state = self.lanes[lane]
            if isinstance(state, Bit):
                bits[state] = bits.get(state, 0) + weight
            else:
                at -= int(state) * weight
        return tuple(sorted((bit, weight) for bit, weight in bits.items() if weight)), at
