"""CircuitLoop: one loop by the statements of the circuit, with one of them left out.

It knows the circuit, its schedule and its layout, but no weight. A word whose definition is left
out is zero; without the group `clear` lanes keep what they hold. Where a read is left out, its head
adds nothing; of a write, either of its two heads may be missing. So it says which instructions need
a part, and the weights without that part must fail in these alone.

A part that is left out can break a contract: a head with the address of no column, two flags at
once that exclude each other, a lane that is neither -1 nor +1. The circuit does not say what comes
of that: `LoopResult.exact` is False there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped import registry
from looped.artefact.plan import Plan
from looped.circuit.circuit import Read, Write
from looped.circuit.words import Form, Word
from looped.errors import CompileError
from looped.passes.allocate import VALUE, Layout, allocate
from looped.passes.fuse_reads import fuse_reads
from looped.passes.schedule import BitDefinition, Schedule, schedule
from looped.precision import precision
from looped.study.parts import CLEAR, Group, Head, Part

__all__ = ["CircuitLoop", "LoopResult"]

Streams = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LoopResult:
    """Residual streams after a loop, (batch, columns, d_model), and for which all was exact."""

    x: Streams
    exact: Flags


class CircuitLoop:
    """The circuit of a universal machine. Raises CompileError for a baked one, or several CPUs."""

    def __init__(self, plan: Plan) -> None:
        if plan.baked or len(plan.cpus) > 1:
            raise CompileError("the circuit is evaluated for universal machines with one CPU")
        described, exact = registry.machine(plan.machine), precision(plan.dtype)
        circuit = described.circuit(plan.width, plan.memory, None, exact, **plan.parameters)
        self.plan = plan
        self._idle = plan.cpu if plan.workers is None else plan.null
        self.schedule: Schedule = schedule(fuse_reads(circuit))
        self.layout: Layout = allocate(self.schedule)
        self._value = self._index(Word.of(VALUE, circuit.width))
        self._mlps = [
            _Definitions(self.schedule.bits.get(2 * block + 1, []), self.layout, plan.d_model)
            for block in range(len(plan.blocks))
        ]

    def run(self, x: Streams, left_out: Part | None = None) -> LoopResult:
        """One loop of residual streams (batch, columns, d_model), every entry -1 or +1."""
        state = LoopResult(x.copy(), np.ones(len(x), np.bool_))
        for block in range(len(self.plan.blocks)):
            self._block(state, block, left_out)
        return state

    def streams(self, x: Streams) -> list[Streams]:
        """Residual streams before each block and after the last one."""
        state, found = LoopResult(x.copy(), np.ones(len(x), np.bool_)), [x]
        for block in range(len(self.plan.blocks)):
            self._block(state, block, None)
            found.append(state.x.copy())
        return found

    def without(self, part: Part, streams: Sequence[Streams]) -> LoopResult:
        """The loop of `streams` with a part left out: where nothing changes, nothing runs again."""
        whole = streams[-1]
        result = LoopResult(whole.copy(), np.ones(len(whole), np.bool_))
        rows = np.arange(len(whole))
        state = LoopResult(streams[part.block].copy(), np.ones(len(whole), np.bool_))
        for block in range(part.block, len(self.plan.blocks)):
            self._block(state, block, part)
            other = (state.x != streams[block + 1][rows]).any(axis=(1, 2)) | ~state.exact
            rows, state = rows[other], LoopResult(state.x[other], state.exact[other])
        result.x[rows], result.exact[rows] = state.x, state.exact
        return result

    def _block(self, state: LoopResult, block: int, left_out: Part | None) -> None:
        part = left_out if left_out is not None and left_out.block == block else None
        self._attend(state, block, part.name if isinstance(part, Head) else None)
        self._compute(state, block, part if isinstance(part, Group) else None)

    def _attend(self, state: LoopResult, block: int, left_out: str | None) -> None:
        """The heads of a block, all of which see the streams as they are before it."""
        before, phase = state.x.copy(), 2 * block
        for read in self.schedule.reads.get(phase, []):
            if read.name != left_out:
                found = self._found(state, before, read)
                lanes = self._index(read.result)
                state.x[:, self.plan.cpu, lanes] += -2 * found if read.negated else 2 * found
        for write in self.schedule.writes.get(phase, []):
            self._write(state, before, write, left_out)
        self._check(state)

    def _found(self, state: LoopResult, before: Streams, read: Read) -> Streams:
        """The bits that a read copies, (batch, lanes of the result)."""
        plan, cpu = self.plan, before[:, self.plan.cpu]
        address = _unsigned(cpu[:, self._index(read.address)])
        size, first = (plan.n_registers, plan.memory) if read.in_registers else (plan.memory, 0)
        column = first + (address + read.offset) % size
        if read.port is not None:
            port = self._flag(cpu, read.port)
            ones = address == (1 << len(read.address)) - 1
            state.exact[port & ~ones & (address != 0)] = False
            column = np.where(port, np.where(ones, plan.cpu + 1, plan.cpu), column)
        if read.when is not None:
            column = np.where(self._flag(cpu, read.when), column, self._idle)
        words = before[np.arange(len(before)), column][:, self._value]
        return (words[:, read.first : read.first + len(read.result)] + 1) // 2

    def _write(
        self, state: LoopResult, before: Streams, write: Write, left_out: str | None
    ) -> None:
        """Each column adds the content of the column it attends to, and subtracts its own.

        A worker attends to the null column, which has no content.
        """
        plan, cpu = self.plan, before[:, self.plan.cpu]
        content = before[:, :, self._value] + 1
        new = cpu[:, self._index(write.value)] + 1
        content[:, plan.cpu] += new if plan.workers is None else 0
        won = content.copy()
        rows = np.arange(len(before))
        if write.when is not None:
            rows = rows[self._flag(cpu, write.when)]
        column = _unsigned(cpu[:, self._index(write.address)])[rows]
        if write.in_registers is not None:
            file = self._flag(cpu, write.in_registers)[rows]
            inside = ~file | (column < plan.n_registers)
            column = np.where(file, plan.memory + column, column)
            rows, column = rows[inside], column[inside]
        won[rows, column] = new[rows]
        if left_out != f"write {write.name}":
            state.x[:, :, self._value] += won
        if left_out != f"erase for {write.name}":
            state.x[:, :, self._value] -= content

    def _compute(self, state: LoopResult, block: int, left_out: Group | None) -> None:
        """The MLP of a block, which changes the CPU column only."""
        phase, cpu = 2 * block + 1, self.plan.cpu
        before = state.x[:, cpu].astype(np.float64)
        cleared = [self.layout.index[lane] for lane in self.layout.cleared_in(phase)]
        after = before.copy()
        after[:, cleared] = -1
        made = self._mlps[block]
        after[:, made.lanes] += 2 * made.bits(before)
        if left_out is not None:
            lanes = list(left_out.lanes)
            after[:, lanes] = before[:, lanes] if left_out.name == CLEAR else -1
        state.exact[(np.abs(after) != 1).any(axis=1)] = False
        state.x[:, cpu] = np.clip(after, -3, 3)
        self._check(state)

    def _flag(self, cpu: Streams, word: Word) -> Flags:
        return cpu[:, self._index(word)[0]] > 0

    def _index(self, word: Word) -> list[int]:
        return [self.layout.index[lane] for lane in word]

    @staticmethod
    def _check(state: LoopResult) -> None:
        state.exact[(np.abs(state.x) != 1).any(axis=(1, 2))] = False


class _Definitions:
    """The bits that an MLP makes, as matrices over the lanes of the CPU column."""

    def __init__(self, bits: Sequence[BitDefinition], layout: Layout, d_model: int) -> None:
        self.lanes = [layout.index[bit.lane] for bit in bits]
        terms = [(row, term) for row, bit in enumerate(bits) for term in bit.signal.gated]
        self._sums = np.zeros((len(terms), len(bits)))
        self._sums[np.arange(len(terms)), [row for row, _ in terms]] = 1
        self._linear = _matrix((bit.signal.linear for bit in bits), layout, d_model)
        self._conditions = _matrix((term.condition.form for _, term in terms), layout, d_model)
        self._thresholds = np.array([term.condition.threshold for _, term in terms], np.float64)
        self._forms = _matrix((term.form for _, term in terms), layout, d_model)

    def bits(self, cpu: Numbers) -> Numbers:
        """Each bit (batch, bits): its linear form, and the forms whose condition holds."""
        x = np.concatenate([cpu, np.ones((len(cpu), 1))], axis=1)
        holds = x @ self._conditions.T >= self._thresholds
        return np.asarray(x @ self._linear.T + (holds * (x @ self._forms.T)) @ self._sums)


def _matrix(forms: Iterable[Form], layout: Layout, d_model: int) -> Numbers:
    """Forms as rows of coefficients of lanes; the last entry is the constant."""
    rows = []
    for form in forms:
        row = np.zeros(d_model + 1)
        for lane, coefficient in form.terms.items():
            row[layout.index[lane]] += float(coefficient)
        row[d_model] = float(form.constant)
        rows.append(row)
    return np.array(rows).reshape(len(rows), d_model + 1)


def _unsigned(lanes: Streams) -> npt.NDArray[np.int64]:
    numbers: npt.NDArray[np.int64] = (lanes > 0) @ (1 << np.arange(lanes.shape[1]))
    return numbers
