"""RV32IM: RV32I with products and quotients, digit by digit in the same four blocks.

A product takes ten loops: one to read the first operand, eight for digits of four bits, one to
write the result. A quotient takes eighteen, with sixteen digits of two bits. See `scratch` for the
state between loops, `total` for the sum of a step, `digits` for the next digit, `steps` for what
becomes of them, and `operands` for the first and the last loop.
"""

from __future__ import annotations

from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, literal
from looped.circuit.words import Word, bit
from looped.image import Regions
from looped.isa.rv32im import EXTENSION, TELLING_BIT
from looped.machines.rv32i.core import core, fetch, no_cause
from looped.machines.rv32i.extension import Extension
from looped.machines.rv32i.machine import circuit
from looped.machines.rv32i.places import Places
from looped.machines.rv32im.operands import operands
from looped.machines.rv32im.scratch import registers
from looped.machines.rv32im.steps import advance, decode_steps
from looped.precision import FLOAT32, Precision

__all__ = ["describe", "home"]


def describe(
    width: int,
    address_bits: int,
    code: None = None,
    precision: Precision = FLOAT32,
    **regions: int,
) -> Circuit:
    """One loop of RV32IM with 2^address_bits words of memory in `regions`: see Regions.of.

    Raises CompileError for a format that cannot hold the sums of its two-part adders.
    """
    m = circuit("rv32im", width, address_bits, precision)
    places = Places(Regions.of(regions), address_bits)
    fetched = fetch(m, places)
    no_cause(m, fetched, literal(fetched.trapped))
    state = registers(m)
    # an unfinished instruction jumps to itself, which cannot trap in memory
    home(m, places, fetched.pc, literal(fetched.trapped))
    m.invariant(
        "no instruction is unfinished in a trap", ~literal(fetched.trapped) | ~literal(state.busy)
    )
    steps = decode_steps(m, fetched.instruction, ~literal(fetched.trapped), state)
    extension = Extension(
        mnemonics=(*EXTENSION,),
        telling_bit=TELLING_BIT,
        operands=operands(fetched.instruction, state),
        unfinished=steps.unfinished,
    )
    advance(m, steps, state, core(m, places, fetched, extension))
    return m


def home(m: Circuit, places: Places, pc: Word, away: Condition) -> None:
    """State that the program counter is aligned and in memory, unless the hart is `away`: the last
    instruction has trapped. The selector says which region it must be in."""
    beyond = Word("pc", (*pc.lanes[:2], *pc.lanes[places.top :]))
    several = len(places.regions.bases) > 1
    for number, base in enumerate(places.regions.bases):
        inside = equal(beyond, base >> places.top << 2) | away
        if several:
            selector = pc[places.regions.selector]
            elsewhere = Condition(bit(selector), 1)
            inside = inside | (~elsewhere if base >> places.regions.selector & 1 else elsewhere)
        name = f"pc is aligned and in region {number}" if several else "pc is aligned and in memory"
        m.invariant(f"{name}, or there is a trap", inside)
