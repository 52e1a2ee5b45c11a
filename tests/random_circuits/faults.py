"""Faults that the compiler or the certificate once had, each put back by itself.

The fuzzer must find each of them within so many circuits of a fixed seed. A fault of an engine or
of the certificate goes here in the same way: what puts it back, and the attempt that finds it
(`trial` for engines, `mutant_trial` for what only wrong weights bring to light).
"""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from looped.circuit import circuit
from looped.circuit.circuit import Circuit
from looped.circuit.statements import Write
from looped.circuit.words import Lane, Word
from looped.errors import CompileError
from looped.passes import allocate, emit, heads, schedule
from looped.passes.heads import Head
from looped.passes.schedule import BitDefinition, Schedule, cleared
from looped.verify.certificate import mlp
from looped.verify.certificate.claims import ClaimFailed
from looped.verify.certificate.columns import ColumnClass
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.rows import BlockRows, Row
from tests.random_circuits import mutants, writer
from tests.random_circuits.trial import compiler_trial, mutant_trial, workers_trial

__all__ = ["FAULTS", "Fault"]


@dataclass(frozen=True)
class Fault:
    """How a fault is put back, and what finds it in how many circuits."""

    put_back: Callable[[pytest.MonkeyPatch], None]
    circuits: int = 400
    attempt: Callable[..., None] = compiler_trial
    lifted: bool = False
    what: str = ""
    """What the failure must say."""
    seed: int = 0
    """Of the circuits: a rare fault is found soon with this one."""


def unused_bits_die_before_they_are_made(patch: pytest.MonkeyPatch) -> None:
    def cleared_in(self: Schedule, lane: Lane) -> int:
        return max(1, cleared(self.last_use.get(lane, schedule.LOOP_START)))

    patch.setattr(Schedule, "cleared_in", cleared_in)


def bits_for_unused_bits_are_made(patch: pytest.MonkeyPatch) -> None:
    """What an unused bit needs is made, is never used, and lives for no time."""

    def needed(m: Circuit, *_: object) -> set[Lane]:
        return {lane for _, lanes in m.uses() for lane in lanes}

    patch.setattr(schedule, "_needed", needed)


def next_values_are_made_in_the_order_of_their_statements(patch: pytest.MonkeyPatch) -> None:
    def place(result: Schedule, bits: list[BitDefinition], homes: dict[Lane, Lane]) -> None:
        for bit in bits:
            old_use = result.last_use.get(homes[bit.lane], schedule.LOOP_START)
            schedule._place_bit(result, bit, earliest=cleared(old_use))

    patch.setattr(schedule, "_place_following", place)


def no_head_divides_by_zero(patch: pytest.MonkeyPatch) -> None:
    def largest(first: int, *rest: int) -> int:
        return builtins.max(*(rest if first == 1 and rest else (first, *rest)), 0)

    patch.setattr(emit, "max", largest, raising=False)


def an_input_column_may_be_captured(patch: pytest.MonkeyPatch) -> None:
    def write_head(write: Write, m: Circuit) -> Head:
        without = SimpleNamespace(**{**vars(m), "has_input": False})
        return heads.write_head(write, without)  # type: ignore[arg-type]

    patch.setattr(emit, "write_head", write_head)


def workers_are_attended_to(patch: pytest.MonkeyPatch) -> None:
    """They have the position of the null column."""
    patch.setattr(heads, "_not_a_worker", lambda m: ((), ()))


def workers_write_without_a_flag(patch: pytest.MonkeyPatch) -> None:
    """Also where `when` is not set."""

    def write_head(write: Write, m: Circuit) -> Head:
        return heads.write_head(dataclasses.replace(write, when=None), m)

    patch.setattr(emit, "write_head", write_head)


def every_write_needs_a_file_flag(patch: pytest.MonkeyPatch) -> None:
    def write_head(write: Write, m: Circuit) -> Head:
        if m.register_bits and write.in_registers is None:
            raise ValueError("zip() argument 2 is shorter than argument 1")
        return heads.write_head(write, m)

    patch.setattr(emit, "write_head", write_head)


def a_second_carry_has_the_name_of_the_first(patch: pytest.MonkeyPatch) -> None:
    keep = Circuit._keep

    def kept(self: Circuit, name: str, content: object) -> object:
        carry = name.partition(".")[2]
        if any(define.name.partition(".")[2] == carry for define in self.defines):
            raise CompileError(f"word `{name}` is made twice")
        return keep(self, name, content)  # type: ignore[arg-type]

    patch.setattr(Circuit, "_keep", kept)


def names_of_the_compiler_are_taken(patch: pytest.MonkeyPatch) -> None:
    """A machine's words may be `value` and `cpu`, and are drawn as if nothing spoke against it."""
    patch.setattr(circuit, "check_name", lambda name, where: None)
    patch.setattr(writer, "TRICKY", ("value", "cpu", "device", "position-1"))
    patch.setattr(writer, "RESERVED", ("cpu",))
    patch.setattr(emit, "words_between_loops", _words_that_meet)


def _words_that_meet(m: Circuit) -> dict[str, Word]:
    words = {word.name: word for word in allocate.static_words(m)}
    words[allocate.VALUE] = Word.of(allocate.VALUE, m.width)
    return words | {r.name: r.following or r.word for r in m.registers}


def a_head_whose_products_cancel_is_idle(patch: pytest.MonkeyPatch) -> None:
    w_ov = BlockRows.w_ov

    def in_the_reals(self: BlockRows, head: int) -> dict[int, Row]:
        return {lane: row for lane, row in w_ov(self, head).items() if row}

    patch.setattr(BlockRows, "w_ov", in_the_reals)
    _only(patch, "a head that cancels")


def static_lanes_are_taken_to_stay(patch: pytest.MonkeyPatch) -> None:
    own, untouched = mlp._cpu_lanes, mlp._untouched
    static: set[int] = set()

    def cpu_lanes(context: ProofContext, block: int, rows: BlockRows) -> Iterator[mlp._LaneResult]:
        names = context.static_names & context.plan.words.keys()
        static.update(lane for name in names for lane in context.plan.words[name])
        for result in own(context, block, rows):
            failed = None if result.lane in static else result.failed
            yield dataclasses.replace(result, failed=failed)
        static.difference_update(range(context.plan.d_model))

    def left_alone(rows: BlockRows, lane: int, columns: ColumnClass) -> ClaimFailed | None:
        constant = lane in columns.fixed or lane in columns.coded()
        return None if constant else untouched(rows, lane, columns)

    patch.setattr(mlp, "_cpu_lanes", cpu_lanes)
    patch.setattr(mlp, "_untouched", left_alone)
    _only(patch, "a constant lane")


def _only(patch: pytest.MonkeyPatch, kind: str) -> None:
    """Let all wrong weights be of one kind."""
    patch.setattr(mutants, "MUTANTS", {kind: mutants.MUTANTS[kind]})


FAULTS: dict[str, Fault] = {
    fault.put_back.__name__: fault
    for fault in (
        Fault(unused_bits_die_before_they_are_made),
        Fault(bits_for_unused_bits_are_made, seed=6),
        Fault(next_values_are_made_in_the_order_of_their_statements),
        Fault(no_head_divides_by_zero),
        Fault(an_input_column_may_be_captured, seed=2),
        Fault(workers_are_attended_to, 40, workers_trial),
        Fault(workers_write_without_a_flag, 40, workers_trial),
        Fault(every_write_needs_a_file_flag),
        Fault(a_second_carry_has_the_name_of_the_first, seed=4),
        Fault(names_of_the_compiler_are_taken),
        Fault(a_head_whose_products_cancel_is_idle, 100, mutant_trial, what="is certified"),
        Fault(static_lanes_are_taken_to_stay, 100, mutant_trial, what="is certified"),
    )
}
