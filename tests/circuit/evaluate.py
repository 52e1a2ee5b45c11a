"""Circuits evaluated by definition: signals as exact numbers, no weights anywhere.

A form is evaluated as integers over one denominator, which are found once for each form.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from looped.circuit.circuit import Circuit, Read
from looped.circuit.signals import Condition, Signal, Value
from looped.circuit.words import ONE, Form, Lane, Word
from looped.passes.allocate import CPU

Lanes = dict[Lane, int]


def lanes_of(word: Word, number: int) -> Lanes:
    """A word holding a number, as -1 and +1."""
    return {lane: 1 if number >> i & 1 else -1 for i, lane in enumerate(word)}


def number_in(word: Word, lanes: Mapping[Lane, int]) -> int:
    return sum((lanes[lane] > 0) << i for i, lane in enumerate(word))


@functools.lru_cache(maxsize=1 << 16)
def _integers(form: Form) -> tuple[tuple[tuple[Lane, int], ...], int, int]:
    """Terms, constant, and what divides both: a form never changes."""
    numbers = [form.constant, *form.terms.values()]
    unit = math.lcm(*(number.denominator for number in numbers))
    return tuple((k, int(c * unit)) for k, c in form.terms.items()), int(form.constant * unit), unit


def form_value(form: Form, lanes: Mapping[Lane, int]) -> int | Fraction:
    """The value of a form; a lane that is not told is -1."""
    terms, constant, unit = _integers(form)
    total = constant
    for lane, factor in terms:
        total += factor * lanes.get(lane, -1)
    return Fraction(total, unit) if total % unit else total // unit


def holds(condition: Condition, lanes: Mapping[Lane, int]) -> bool:
    value = form_value(condition.form, lanes)
    assert value.denominator == 1, "a condition must stand on integers"
    return value >= condition.threshold


def signal_bit(signal: Signal, lanes: Mapping[Lane, int]) -> int:
    terms = (form_value(t.form, lanes) for t in signal.gated if holds(t.condition, lanes))
    result = form_value(signal.linear, lanes) + sum(terms)
    assert result in (0, 1), f"a signal must be a bit, not {result}"
    return int(result)


def number(value: Value, lanes: Mapping[Lane, int]) -> int:
    return sum(signal_bit(signal, lanes) << i for i, signal in enumerate(value.signals))


def evaluate(circuit: Circuit, memory: list[int], file: list[int], cpu: dict[str, int]) -> Lanes:
    """All lanes of one loop, in whatever order they can be known: heads copy, signals are bits."""
    lanes: Lanes = {ONE: 1, CPU[0]: 1}
    for register in circuit.registers:
        lanes |= lanes_of(register.word, cpu[register.name])
    reads = list(circuit.reads)
    bits = [pair for d in circuit.defines for pair in zip(d.target, d.value.signals, strict=True)]
    while reads or bits:
        for read in [r for r in reads if all(lane in lanes for lane in _needs(r))]:
            reads.remove(read)
            lanes |= lanes_of(read.result, _found(read, memory, file, lanes))
        ready = [(lane, s) for lane, s in bits if all(needed in lanes for needed in s.lanes())]
        lanes |= {lane: 2 * signal_bit(signal, lanes) - 1 for lane, signal in ready}
        bits = [(lane, signal) for lane, signal in bits if lane not in lanes]
    return lanes


def _needs(read: Read) -> Iterator[Lane]:
    yield from read.lanes()
    yield from read.onto or ()


def _found(read: Read, memory: list[int], file: list[int], lanes: Lanes) -> int:
    assert read.port is None
    address = number_in(read.address, lanes)
    found = file[address] if read.in_registers else memory[(address + read.offset) % len(memory)]
    found = found >> read.first & (1 << len(read.result)) - 1
    if read.when is not None and lanes[read.when[0]] < 0:
        found = 0
    if read.onto is None:
        return found
    base = number_in(read.onto, lanes)
    assert not found & (~base if read.negated else base), "a lane would not be ±1"
    return base - found if read.negated else base + found


def written(circuit: Circuit, lanes: Lanes) -> tuple[bool, int, int] | None:
    """What the only write of a circuit does: whether to the file, where, what; None if nothing."""
    (write,) = circuit.writes
    if write.when is not None and lanes[write.when[0]] < 0:
        return None
    in_file = write.in_registers is not None and lanes[write.in_registers[0]] > 0
    return in_file, number_in(write.address, lanes), number_in(write.value, lanes)


@dataclass(frozen=True)
class WorkersState:
    """Memory, register file, and the registers of each worker by name."""

    memory: list[int]
    file: list[int]
    cpus: list[dict[str, int]]


def loop_of_workers(circuit: Circuit, before: WorkersState) -> WorkersState:
    """One loop of a circuit with one write: each worker by itself, then all that they write."""
    memory, file = list(before.memory), list(before.file)
    cpus = list[dict[str, int]]()
    hits = set[tuple[bool, int]]()
    for cpu in before.cpus:
        lanes = evaluate(circuit, before.memory, before.file, cpu)
        cpus.append({r.name: number_in(r.following or r.word, lanes) for r in circuit.registers})
        hit = written(circuit, lanes)
        if hit is not None:
            in_file, place, content = hit
            assert (in_file, place) not in hits, "two workers write to one column"
            hits.add((in_file, place))
            if not in_file:
                memory[place] = content
            elif place < len(file):
                file[place] = content
    return WorkersState(memory, file, cpus)
