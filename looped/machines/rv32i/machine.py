"""RV32I: fetch, decode, read registers, execute, access memory, write back, and go on.

| block | attention                        | MLP                                                  |
|-------|----------------------------------|------------------------------------------------------|
| 1     | fetch the word at pc             | decode                                               |
| 2     | read rs1 and rs2                 | low sums, logic, the fine part of a shift            |
| 3     | read the word at rs1 + immediate | high sums, the rest of a shift, align, merge, select |
| 4     | write to a register or to memory | next pc, trap and cause                              |

One instruction a loop. Sums are two: the result or the address, and the target of a jump or branch.
The second operand is a plain sum of what heads and immediates contribute; for a subtraction a head
takes x[rs2] away from all ones, which is its complement. One port writes to registers and memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import chain

from looped.compiler.arithmetic import equal
from looped.compiler.circuit import Circuit
from looped.compiler.precision import FLOAT32, Precision
from looped.compiler.signals import Signal, Value, literal, merge, one_of, weighed
from looped.compiler.words import Word, bit, constant
from looped.errors import CompileError
from looped.image import Image
from looped.machines.machine import Code, Machine
from looped.machines.rv32i.adder import Adder, adder
from looped.machines.rv32i.control import (
    Outcome,
    accesses,
    is_legal,
    low_equality,
    settled,
    taken,
)
from looped.machines.rv32i.decode import Decoded, decode
from looped.machines.rv32i.execute import compare, logic, shift
from looped.machines.rv32i.extension import NO_EXTENSION, Extension
from looped.machines.rv32i.memory import ACCESSES, STORES, beyond, load, misplaced, store

__all__ = ["RV32I", "Datapath", "Fetched", "circuit", "describe", "execute", "fetch", "read_code"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The state of a hart as a loop begins, and the instruction at the program counter."""

    pc: Word
    trapped: Word
    cause: Word
    instruction: Word


@dataclass(frozen=True, slots=True)
class Datapath:
    """Words of one loop: the first operand, x[rs2], whether the second operand is a complement, the
    sum of both operands, and the result."""

    x: Word
    rs2: Word
    inverted: Word
    sum: Adder
    result: Word


def describe(
    width: int, address_bits: int, code: None = None, precision: Precision = FLOAT32
) -> Circuit:
    """One step of RV32I with 2^address_bits words of memory.

    Raises CompileError for a format that cannot hold the sums of its two-part adders.
    """
    m = circuit("rv32i", width, address_bits, precision)
    execute(m, fetch(m), NO_EXTENSION)
    return m


def circuit(name: str, width: int, address_bits: int, precision: Precision) -> Circuit:
    """A circuit with the registers of RISC-V. Raises CompileError; see `describe`."""
    if precision.mantissa < FLOAT32.mantissa:
        raise CompileError(f"{name} is not to be had in {precision.name}", hint="--dtype float32")
    return Circuit(name, width, address_bits, file_bits=5, zero_register=True, precision=precision)


def fetch(m: Circuit) -> Fetched:
    """The program counter, whether and why the hart waits for its host, and the instruction."""
    pc = m.register("pc", m.width)
    trapped = m.register("trap", 1)
    cause = m.register("cause", 4)
    m.halts(trapped)
    m.invariant("no trap, no cause", literal(trapped) | equal(cause, 0))
    return Fetched(pc, trapped, cause, m.fetch("instruction", pc[2:]))


def execute(m: Circuit, fetched: Fetched, extension: Extension) -> Datapath:
    """Carry out the instruction that was fetched, of RV32I or of an extension."""
    pc, trapped = fetched.pc, fetched.trapped

    # decode, read
    d = decode(m, fetched.instruction, pc, trapped, extension)
    x = m.read_file("x", d.first_source, onto=d.first)
    plus = m.read_file("plus rs2", d.plus_source, onto=d.second)
    y = m.read_file("y", d.minus_source, onto=plus, negated=True)
    base = m.read_file("base", d.start_source, onto=d.start)
    new = m.read_file("stored", d.rs2)

    # execute
    main = adder(m, "sum", x, y, bit(d.inverted[0]))
    jump = adder(m, "target", base, d.offset, constant(0))
    target = Word("target", (*jump.low, *m.let("target high", jump.high)))
    logical = m.let("logic", logic(d, x, y))
    shifted = shift(m, d, x, y)

    # access memory
    word = m.read("word", main.low[2:])
    odd = m.let("misplaced", misplaced(d, main))
    wrong = partial(beyond, main, odd, m.address_bits)
    touches = m.let("touches", Value((Signal(d.bit(*ACCESSES)),)))
    stuck = m.let("stuck", wrong(bit(touches[0])))

    # write back
    sums = (m.select(d.holds("sum"), part, 0).signals for part in (main.low, main.high))
    result = m.let(
        "result",
        merge(
            logical,
            Value((*chain.from_iterable(sums),)),
            shifted,
            compare(d, main),
            load(d, main.low[:2], word),
            store(d, main.low[:2], word, new),
        ),
    )
    stores = m.let("stores", Value((Signal(d.bit(*STORES)),)))
    links = m.let("links", one_of([d.holds("jump") & literal(d.named)]))
    access = m.let("access", accesses(d))
    writes = merge(
        m.let("settled", merge(settled(d), *(_not_yet(d, word) for word in extension.unfinished))),
        one_of([literal(links) & ~literal(target[1:2])]),
        access,
        wrong(-bit(access[0])),
    )
    m.write(
        "result",
        m.let("where", _where(d, stores, main.low[2 : m.address_bits + 2])),
        result,
        file=m.let("in file", ~literal(stores)),
        when=m.let("writes", writes),
    )

    # go on
    low = {kind: m.let(f"{kind} low", low_equality(d, kind, main)) for kind in ("beq", "bne")}
    outcome = Outcome(
        decoded=d,
        address_bits=m.address_bits,
        pc=pc,
        trapped=trapped,
        legal=m.let("legal", is_legal(d)),
        taken=m.let("taken", merge(taken(d, main, low["beq"], low["bne"]), *extension.unfinished)),
        target=target,
        stuck=stuck,
        misplaced=odd,
    )
    m.next(pc, outcome.next_pc())
    m.next(trapped, outcome.trap())
    m.next(fetched.cause, outcome.cause(fetched.cause))
    return Datapath(x, new, d.inverted, main, result)


def _not_yet(d: Decoded, unfinished: Word) -> Value:
    """What keeps an unfinished instruction from writing to a register, which it names."""
    return weighed(literal(unfinished), -bit(d.named[0]))


def _where(d: Decoded, stores: Word, address: Word) -> Value:
    """The address that is written to: in memory for a store, else the number of a register."""
    number = [*map(bit, d.rd), *[constant(0)] * (len(address) - len(d.rd))]
    return merge(weighed(literal(stores), *map(bit, address)), weighed(~literal(stores), *number))


def read_code(image: Image, memory: int) -> Code:
    """Raises CompileError: where a program jumps to, its registers say."""
    raise CompileError(
        f"an {image.machine} program cannot be baked into the weights: where it jumps to is known "
        "only when it runs",
        hint="run it on the universal machine: leave out --bake",
    )


RV32I = Machine("rv32i", (32,), describe, read_code)
