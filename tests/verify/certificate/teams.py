"""A small circuit with workers, its claims, and whether its weights do what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from looped.artefact.embedding import embed, memory_words, read_word
from looped.artefact.plan import CompiledMachine, Plan
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Value
from looped.circuit.words import Word
from looped.engines.dense import DenseEngine
from looped.passes.emit import compile_circuit
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.workers import worker_claims
from tests import seeds
from tests.circuit.evaluate import WorkersState, loop_of_workers

__all__ = ["Part", "Team", "agrees", "claimed", "team"]


@dataclass(frozen=True)
class Team:
    """A circuit in the making; `own` is a fetched word plus the number of the worker."""

    m: Circuit
    pc: Word
    number: Word
    mask: Word
    base: Word
    seen: Word
    word: Word
    zero: Word
    own: Word
    read: Word

    def write(self, name: str, address: Word, when: Word | None = None) -> None:
        """A write of what the worker has read."""
        self.m.write(name, address, self.read, when=when)

    def let(self, content: Value) -> Word:
        """A word for an address."""
        return self.m.let("place", content)

    def low(self, number: Word) -> Word:
        """Two bits as an address."""
        return Word("low", (*number, *self.zero))


Part = Callable[[Team], None]


def team(*parts: Part, bits: int = 4, pins: bool = False) -> Circuit:
    """A circuit with up to four workers, and 2^bits words of four bits.

    Each worker reads the word at its own place. Parts write, or give registers next values.
    """
    m = Circuit("team", 4, bits)
    pc, number, mask = m.register("pc", 4), m.register("number", 2), m.register("mask", 2)
    m.has_workers(number, mask)
    base, seen = m.register("base", 4), m.pin("seen") if pins else m.register("seen", 1)
    word, zero = m.fetch("word", pc), m.let("zero", 0, 2)
    own = m.let("own", m.add(word, Word("offset", (*number, *zero))))
    read = m.read("read", own)
    for part in parts:
        part(Team(m, pc, number, mask, base, seen, word, zero, own, read))
    given = {register.name for register in m.registers if register.following is not None}
    nexts: dict[str, tuple[Word, Word | Value]]
    nexts = {"pc": (pc, m.add(pc, 1)), "number": (number, number), "base": (base, word)}
    if not pins:
        nexts["seen"] = seen, word[:1]
    for name, (register, following) in nexts.items():
        if name not in given:
            m.next(register, following)
    return m


def claimed(circuit: Circuit, workers: int) -> list[str]:
    """What the claims about so many workers refuse."""
    machine = compile_circuit(circuit, workers=workers)
    claims = worker_claims(ProofContext.of(machine, circuit))
    return [claim.fault for claim in claims if claim.fault is not None]


def agrees(machine: CompiledMachine, circuit: Circuit, seed: int = 0) -> bool:
    """Whether memory and registers are those of the circuit by the weights are those
    of the circuit in a few loops of some program."""
    plan, rng = machine.plan, seeds.generator(seed)
    engine = DenseEngine(machine, uncertified=True)
    words = rng.integers(0, 16, plan.memory).tolist()
    engine.load(embed(words, plan)[None])
    state = WorkersState(words, [], _registers(engine, plan))
    for _ in range(4):
        state = loop_of_workers(circuit, state)
        engine.step()
        if memory_words(engine.state(), plan)[0].tolist() != state.memory:
            return False
        if _registers(engine, plan) != state.cpus:
            return False
    return True


def _registers(engine: DenseEngine, plan: Plan) -> list[dict[str, int]]:
    x = engine.state()[0]
    lanes = {name: list(plan.words[name]) for name in plan.registers}
    return [{name: int(read_word(x[c, own])) for name, own in lanes.items()} for c in plan.cpus]
