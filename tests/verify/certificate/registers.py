"""A small machine with a register file, all that RV32I asks of a certificate in eight bits.

    word = mem[pc], fields rs, rd (2 bits each), kind (2), halt (2); x0 is zero
    x = x[rs], or pc if bit 1 of kind is set        (a head adds onto what is there)
    y = 0, or ~x[rd] if bit 0 of kind is set        (a head subtracts from ones)
    x[rd] = x + y; if kind is 3, mem[x] = x + y
    halt = 3: stop, and say why

One thing at a time may be wrong with it, by name.
"""

from __future__ import annotations

import numpy as np

from looped.artefact.embedding import State, embed, embed_words
from looped.artefact.plan import CompiledMachine, Plan
from looped.circuit.arithmetic import all_ones, equal, without
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, disjoint_or, gated, literal
from looped.circuit.words import bit, constant, total
from looped.engines.dense import DenseEngine
from tests import seeds
from tests.circuit.evaluate import evaluate, number_in, written

WIDTH, BITS, FILE_BITS = 8, 5, 2

Machine = tuple[list[int], list[int], dict[str, int]]
"""Memory, registers and the words of the CPU."""


def small_machine(wrong: str = "") -> Circuit:
    """The machine, or one with a fault."""
    file = wrong != "x0 is a register like any other"
    m = Circuit("registers", WIDTH, BITS, FILE_BITS, zero_register=file)
    pc, stop, why = m.register("pc", WIDTH), m.register("stop", 1), m.register("why", 2)
    m.halts(stop)
    if wrong != "nothing is said of why":
        m.invariant("no stop, no why", literal(stop) | equal(why, 0))

    word = m.fetch("word", pc)
    rs, rd, kind, halt = word[:2], word[2:4], word[4:6], word[6:8]
    running = ~literal(stop)
    complements, from_pc = literal(kind[:1]), literal(kind[1:])
    source = m.let("source", gated(~from_pc, *map(bit, rs)))
    start = m.let("start", gated(from_pc, *map(bit, pc)))
    taken = m.let("taken", gated(complements, *map(bit, rd)))
    ones = m.let("ones", gated(complements, *[constant(1)] * WIDTH))
    stores = m.let("stores", running & all_ones(kind))
    anything = 0 if wrong == "x0 is written" else 1
    named = m.let("named", running & Condition(total(rd), anything))
    stopping = m.let("stopping", running & all_ones(halt))

    x = m.let("x", disjoint_or(start, m.read_register("source value", source)))
    subtracted = m.read_register("subtracted", taken)
    added = wrong == "a register is added to ones"
    y = m.let("y", disjoint_or(ones, subtracted) if added else without(ones, subtracted))
    result = m.let("result", m.add(x, y))
    number = [*map(bit, rd), *[constant(0)] * (BITS - len(rd))]
    to_memory = gated(literal(stores), *map(bit, x[:BITS]))
    m.write(
        "result",
        m.let("where", disjoint_or(to_memory, gated(~literal(stores), *number))),
        result,
        in_registers=m.let("in file", ~literal(stores)),
        when=m.let("writes", literal(named) | literal(stores)),
    )
    m.next(pc, m.select(running, m.add(pc, 1), pc))
    m.next(stop, literal(stop) | literal(stopping))
    reasons = (bit(kind[0]), constant(1))
    told = running & all_ones(halt[:1]) if wrong == "why without a stop" else literal(stopping)
    m.next(why, disjoint_or(why, gated(told, *reasons)))
    m.check()
    return m


def states(count: int, seed: int) -> list[Machine]:
    """Random states of the machine that respect what holds between two loops."""
    rng = seeds.rng(seed)
    found = []
    for _ in range(count):
        memory = [rng.randrange(256) for _ in range(1 << BITS)]
        file = [0, *(rng.choice((0, 1, 255, rng.randrange(256))) for _ in range(3))]
        stop = int(rng.random() < 0.1)
        cpu = {"pc": rng.randrange(256), "stop": stop, "why": stop * rng.randrange(4)}
        found.append((memory, file, cpu))
    return found


def after(circuit: Circuit, state: Machine) -> Machine:
    """The state one loop later, by the definition of the circuit."""
    memory, file, cpu = state
    lanes = evaluate(circuit, memory, file, cpu)
    memory, file = list(memory), list(file)
    write = written(circuit, lanes)
    if write is not None:
        in_file, address, value = write
        (file if in_file else memory)[address] = value
    return memory, file, {r.name: number_in(r.following or r.word, lanes)
                          for r in circuit.registers}  # fmt: skip


def embedded(state: Machine, plan: Plan) -> State:
    """The residual stream of a state."""
    memory, file, cpu = state
    x = embed(memory, plan)
    x[plan.memory : plan.cpu, list(plan.words["value"])] = embed_words(file, plan.width)
    for name, number in cpu.items():
        lanes = list(plan.words[name])
        x[plan.cpu, lanes] = embed_words(number, len(lanes))
    return x


def loops(circuit: Circuit, count: int, seed: int) -> list[tuple[Machine, Machine]]:
    """Random states, each with the one that follows it."""
    return [(state, after(circuit, state)) for state in states(count, seed)]


def differs(machine: CompiledMachine, told: list[tuple[Machine, Machine]]) -> bool:
    """Whether one loop of the transformer leads to any other state than is told."""
    plan = machine.plan
    engine = DenseEngine(machine)
    engine.load(np.stack([embedded(before, plan) for before, _ in told]))
    engine.step()
    expected = np.stack([embedded(following, plan) for _, following in told])
    return not np.array_equal(engine.state(), expected)
