"""A circuit through everything: dense in every certified dtype, event, lifted, the certificate.

Each is held against plain integers, every lane of every column after every loop. An engine may
refuse a circuit when it is loaded or prepared, the certificate may refuse it; both are counted. An
engine that differs, a certificate for what goes wrong, and any crash is a failure.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import CompiledMachine
from looped.circuit.circuit import Circuit
from looped.engines.dense import DenseEngine
from looped.engines.engine import Engine
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.errors import CompileError
from looped.passes.emit import compile_circuit
from looped.precision import PRECISIONS
from looped.verify.certificate import Certificate, certify
from tests.random_circuits.case import IMPORTS, built, poked, starts, stream, trail
from tests.random_circuits.mutants import mutated
from tests.random_circuits.strategy import Case

__all__ = [
    "ENGINES",
    "FailureError",
    "Told",
    "compiler_trial",
    "mutant_trial",
    "told",
    "trial",
    "workers_trial",
]

STREAMS, BEFORE, AFTER = 2, 2, 2
"""States of a circuit, and loops before and after its host sets pins and input."""

ENGINES: dict[str, type[EventEngine | LiftedEngine]] = {
    "event": EventEngine,
    "lifted": LiftedEngine,
}

Streams = npt.NDArray[np.int8]


_NO_CASE = Case("", 1, 1, 0, False, (), (), (), False, 0)


MANY = 20
"""Loops at once: an engine may give up a pass in the middle of them."""


class FailureError(AssertionError):
    """What went wrong, and the circuit as a program that can be run."""

    def __init__(self, what: str, case: Case) -> None:
        super().__init__(f"{what}\n\n{IMPORTS}\n{case.text}\n\n# states from seed {case.seed}")
        self.what = what


@dataclass
class Told:
    """What happens in a few states: streams as they are loaded, after each loop, and as the host
    leaves them."""

    before: list[Streams] = field(default_factory=list)
    after: list[Streams] = field(default_factory=list)


def told(case: Case, machine: CompiledMachine) -> Told:
    """The residual streams of a circuit by its meaning, two loops before and two after its host has
    set pins and input. Raises InvalidCircuitError."""
    first = starts(case, STREAMS, len(machine.plan.cpus))
    trails = [trail(case, state, BEFORE) for state in first]
    second = [poked(case, states[-1]) for states in trails]
    rest = [trail(case, state, AFTER) for state in second]
    result = Told()
    for origin, states in ((first, trails), (second, rest)):
        result.before.append(np.stack([stream(state, machine.plan) for state in origin]))
        for at in range(len(states[0])):
            result.after.append(np.stack([stream(s[at], machine.plan) for s in states]))
    return result


def workers_trial(case: Case, counts: Counter[str], lifted: bool = True) -> None:
    """Hold the same weights with every number of workers against the meaning of a circuit. Raises
    FailureError, for a crash too."""
    try:
        _workers_trial(case, counts, lifted)
    except FailureError:
        raise
    except Exception as error:
        raise FailureError(f"{type(error).__name__}: {error}", case) from error


def _workers_trial(case: Case, counts: Counter[str], lifted: bool) -> None:
    compiled = _compiled(case, counts)
    if compiled is None:
        return
    circuit, machine, _ = compiled
    for bits in range(case.workers + 1):
        several = machine.with_workers(1 << bits)
        expected = told(case, several)
        if lifted:
            _certified(case, several, circuit, counts)
        name = f"dense float64, {1 << bits} workers,"
        _same(case, name, DenseEngine(several, "float64", uncertified=True), expected)
        _fast(case, several, expected, counts, lifted)
    counts["circuits"] += 1


def trial(case: Case, counts: Counter[str], lifted: bool = True) -> None:
    """Hold everything against the meaning of a circuit. Raises FailureError, for a crash too."""
    try:
        _trial(case, counts, lifted)
    except FailureError:
        raise
    except Exception as error:
        raise FailureError(f"{type(error).__name__}: {error}", case) from error


def compiler_trial(case: Case, counts: Counter[str], lifted: bool = False) -> None:
    """Hold the compiler alone against the meaning of a circuit: its weights in float64. Raises
    FailureError, for a crash too."""
    try:
        _compiled(case, counts)
    except FailureError:
        raise
    except Exception as error:
        raise FailureError(f"{type(error).__name__}: {error}", case) from error


def _compiled(case: Case, counts: Counter[str]) -> tuple[Circuit, CompiledMachine, Told] | None:
    """A circuit, its machine, and what it does, as float64 has shown; None if it is refused."""
    try:
        circuit = built(case)
        machine = compile_circuit(circuit)
    except CompileError as error:
        if case.reserved:
            counts["names that are reserved"] += 1
            return None
        if "never used" in str(error):  # a factor of zero, say
            counts["compiler refuses: a word is never used"] += 1
            return None
        raise FailureError(f"the compiler refuses it: {error}", case) from error
    if case.reserved:
        raise FailureError("a reserved name is taken", case)
    expected = told(case, machine)
    _same(case, "dense float64", DenseEngine(machine, "float64", uncertified=True), expected)
    return circuit, machine, expected


def _trial(case: Case, counts: Counter[str], lifted: bool) -> None:
    compiled = _compiled(case, counts)
    if compiled is None:
        return
    circuit, machine, expected = compiled
    certificate = _certified(case, machine, circuit, counts)
    for dtype in PRECISIONS:
        if certificate.certified(dtype):
            dense = DenseEngine(machine, dtype, uncertified=True)
            _same(case, f"dense {dtype}, certified,", dense, expected)
    _fast(case, machine, expected, counts, lifted)
    counts["circuits"] += 1


def _fast(
    case: Case, machine: CompiledMachine, expected: Told, counts: Counter[str], lifted: bool
) -> None:
    """Hold the fast engines against what is told; they may refuse a machine."""
    for name, make in ENGINES.items():
        if name == "lifted" and not lifted:
            continue
        counts[f"{name} asked"] += 1
        try:
            engine = make(machine, "float32", uncertified=True)
            _same(case, name, engine, expected)
        except CompileError as error:
            counts[f"{name} refuses: {_kind(str(error))}"] += 1
            continue
        counts[f"{name} falls back"] += engine.fallbacks > 0


def mutant_trial(case: Case, counts: Counter[str], lifted: bool = True) -> None:
    """Wrong weights of a circuit: what goes wrong may not be certified, and no engine may differ
    from the dense one. Raises FailureError."""
    if case.reserved:
        return
    try:
        machine = compile_circuit(built(case))
    except CompileError:
        return
    name, wrong = mutated(machine, random.Random(case.seed))
    expected = told(case, machine)
    what = f"the weights have {name} (seed {case.seed}), and"
    behaves = _behaves(wrong, expected)
    certified = certify(wrong, built(case)).certified("float32")
    counts[
        f"{name}: {'' if behaves else 'mis'}behaves, {'' if certified else 'not '}certified"
    ] += 1
    if certified and not behaves:
        raise FailureError(f"{what} what goes wrong is certified", case)
    for engine, make in ENGINES.items():
        if engine == "lifted" and not lifted:
            continue
        try:
            fault = _differs(make(wrong, "float32", uncertified=True), wrong, expected)
        except CompileError:
            counts[f"{engine} refuses mutants"] += 1
            continue
        if fault is not None:
            raise FailureError(f"{what} {engine} differs from dense {fault}", case)
        counts[f"{engine} runs mutants"] += 1


def _behaves(machine: CompiledMachine, expected: Told) -> bool:
    """Whether the dense model does what is told."""
    try:
        _same(_NO_CASE, "dense", DenseEngine(machine, uncertified=True), expected)
    except FailureError:
        return False
    return True


def _differs(engine: Engine, machine: CompiledMachine, expected: Told) -> str | None:
    """Where an engine differs from the dense one, while all lanes are ±1; None if nowhere."""
    both = (engine, DenseEngine(machine, uncertified=True))
    for each in both:
        each.load(expected.before[0])
    for number in range(len(expected.after)):
        for each in both:
            if number == BEFORE:
                _poke(each, expected.after[number - 1], expected.before[1])
            each.step()
        truth = both[1].state()
        if not (np.abs(truth) == 1).all():
            return None
        if not np.array_equal(engine.state(), truth):
            return f"after loop {number + 1}"
    for each in both:
        each.step(MANY)
    truth = both[1].state()
    if (np.abs(truth) == 1).all() and not np.array_equal(engine.state(), truth):
        return f"after {MANY} loops at once"
    return None


def _certified(
    case: Case, machine: CompiledMachine, circuit: Circuit, counts: Counter[str]
) -> Certificate:
    certificate = certify(machine, circuit)
    for claim in certificate.claims:
        if claim.fault is not None:
            counts[f"not certified: {claim.part}: {_kind(claim.fault)}"] += 1
            break
    else:
        dtype = machine.plan.dtype
        if not certificate.certified(dtype):
            fault = certificate.verdicts[dtype].faults[0]
            counts[f"not certified in {dtype}: {_kind(fault)}"] += 1
        else:
            counts["certified"] += 1
    return certificate


def _same(case: Case, name: str, engine: Engine, expected: Told) -> None:
    """Raise FailureError unless an engine does what is told."""
    engine.load(expected.before[0])
    for number, after in enumerate(expected.after):
        if number == BEFORE:
            _poke(engine, expected.after[number - 1], expected.before[1])
        engine.step()
        found = engine.state()
        if not np.array_equal(found, after):
            at = tuple(int(i) for i in np.argwhere(found != after)[0])
            raise FailureError(
                f"{name} differs after loop {number + 1}: stream {at[0]}, column {at[1]}, "
                f"lane {at[2]}: {found[at]:g}, not {after[at]}",
                case,
            )


def _poke(engine: Engine, old: Streams, new: Streams) -> None:
    """Set what a host has changed."""
    for number in range(len(old)):
        for column in np.unique(np.argwhere(old[number] != new[number])[:, 0]):
            lanes = np.flatnonzero(old[number, column] != new[number, column])
            engine.write(number, int(column), lanes, new[number, column, lanes])


def _kind(text: str) -> str:
    """A message without what differs from circuit to circuit."""
    words = ("…" if any(c in "`0123456789" for c in word) else word for word in text.split())
    return " ".join(words)[:90]
