"""RV32IMA with machine mode: RV32IM, atomic instructions, control registers, traps and a timer.

Everything beside RV32IM is a sequence of four loops of the same four blocks: see `sequence` for
what each loop does, `operands` for the units that it uses, `scratch` for what it hands on, `state`
for the words that last, and `handlers` for where it leads.
"""

from __future__ import annotations

from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import (
    Gated,
    Signal,
    Value,
    any_of_disjoint,
    disjoint_or,
    gated,
    literal,
)
from looped.circuit.words import Form, Word, bit, constant
from looped.image import Regions
from looped.isa.rv32im import EXTENSION, TELLING_BIT
from looped.machines.rv32i.core import Executed, Fetched, execute, fetch, no_cause
from looped.machines.rv32i.decode import any_set
from looped.machines.rv32i.extension import Extension
from looped.machines.rv32i.kinds import Kind, flag
from looped.machines.rv32i.machine import circuit
from looped.machines.rv32i.places import Places
from looped.machines.rv32im.machine import home
from looped.machines.rv32im.operands import operands as multiplying_operands
from looped.machines.rv32im.scratch import registers as multiplying_registers
from looped.machines.rv32im.steps import advance, decode_steps
from looped.machines.rv32ima import control_registers, timer
from looped.machines.rv32ima.control_registers import MIE, MSTATUS, MTVEC, Changes
from looped.machines.rv32ima.handlers import HandlerInputs, handlers
from looped.machines.rv32ima.operands import kinds, operands
from looped.machines.rv32ima.scratch import hand_on
from looped.machines.rv32ima.sequence import Sequence, decode_sequence
from looped.machines.rv32ima.state import MEPC, State, registers
from looped.machines.rv32ima.writes import writes
from looped.precision import FLOAT32, Precision

__all__ = ["describe"]

_REGISTER_BITS = 6


def describe(
    width: int,
    address_bits: int,
    code: None = None,
    precision: Precision = FLOAT32,
    **regions: int,
) -> Circuit:
    """One loop of RV32IMA with 2^address_bits words of memory in `regions`: see Regions.of.

    Raises CompileError for a format that cannot hold the sums of its two-part adders.
    """
    m = circuit("rv32ima", width, address_bits, precision, _REGISTER_BITS)
    places = Places(Regions.of(regions), address_bits)
    fetched, multiplying = fetch(m, places), multiplying_registers(m)
    state = registers(m, fetched.trapped, multiplying.busy)
    w, word = state.working, fetched.instruction
    trapped = literal(fetched.trapped)
    m.invariant("pc is a multiple of 4, or there is a trap", equal(fetched.pc[:2], 0) | trapped)
    no_cause(m, fetched, trapped | literal(state.entering))
    home(m, places, fetched.pc, trapped | literal(state.entering))
    loops = w.compute, w.change, w.deliver
    idle = (state.entering, w.timed, *loops)
    steps = decode_steps(m, word, ~any_set(fetched.trapped, *idle), multiplying)
    sequence = decode_sequence(m, fetched, state)
    changes = control_registers.changed(m, word, state)
    own = operands(word, fetched.pc, state)
    extension = Extension(
        mnemonics=(*EXTENSION,),
        telling_bit=TELLING_BIT,
        operands=own.with_those_of(multiplying_operands(word, multiplying)),
        kinds=kinds(fetched, state),
        probe=sequence.probe,
        idle=idle,
        writes=writes(m, fetched, state, sequence, changes, steps.unfinished),
    )
    done = execute(m, places, fetched, extension)
    advance(m, steps, multiplying, done.path)
    reached = timer.reached(m, state)
    found = timer.found(m, places, done.computed.sum, _words(done))
    counts = timer.ticks(m, word, fetched.trapped, sequence.asks, state)
    timer.count(m, state, counts, found.found, changes.words)
    _status(m, fetched, state, sequence, changes, reached)
    ports = _control(m, places, fetched, state, sequence, done, steps.unfinished, found, reached)
    handlers(m, ports, state)
    _read(m, fetched, state, sequence, done, ports, reached)
    return m


def _read(
    m: Circuit,
    f: Fetched,
    state: State,
    s: Sequence,
    done: Executed,
    ports: HandlerInputs,
    reached: Word,
) -> None:
    """What the first loop reads goes into `old`: a control register, or the word at the address."""
    reads = control_registers.read(m, f.instruction, s.asks)
    shown = control_registers.shown(reads, state, ports.asked, done.path.x, reached)
    content = disjoint_or(gated(ports.probed, *map(bit, done.memory.word)), shown)
    hand_on(m, f.instruction, state, s, done.path, content)


def _status(
    m: Circuit, f: Fetched, state: State, s: Sequence, changes: Changes, reached: Word
) -> None:
    """mstatus, mie, mip, and what is known of mtvec.

    MRET restores MIE, a handler clears it as it begins; MPIE holds what it was.
    """
    w, new = state.working, state.working.new
    status, timer_bit, mtvec = (literal(changes.numbers[n]) for n in (MSTATUS, MIE, MTVEC))
    begins = literal(state.entering) & literal(w.deliver)
    returns = literal(s.returns)
    for word, at, back in (
        (state.interrupts, 3, bit(state.earlier[0])),
        (state.earlier, 7, constant(1)),
    ):
        saved = constant(0) if word is state.interrupts else bit(state.interrupts[0])
        old = bit(word[0])
        terms = (
            Gated(status, bit(new[at]) - old),
            Gated(returns, back - old),
            Gated(begins, saved - old),
        )
        m.next(word, Value((Signal(old, terms),)))
    m.next(state.timer, m.select(timer_bit, new[7:8], state.timer))
    m.next(state.vectored, m.select(mtvec, new[:1], state.vectored))
    m.next(state.handled, control_registers.has_handler(changes, state))
    first = ~any_set(w.continuing, f.trapped)
    m.next(state.pending, m.select(first, reached, state.pending))


def _due(m: Circuit, state: State, s: Sequence, reached: Word) -> Word:
    """Whether an interrupt comes if this loop ends an instruction; MRET restores MIE before."""
    w = state.working
    own = literal(state.timer) & ~literal(state.entering)
    first, later = own & ~literal(w.continuing), own & literal(w.continuing)
    now, before = literal(reached), literal(state.pending)
    interrupts, earlier = literal(state.interrupts), literal(state.earlier)
    returns = literal(s.returns)
    cases = (
        first & now & ~returns & interrupts,
        first & now & returns & earlier,
        later & before & interrupts,
    )
    return m.let("interrupt due", any_of_disjoint(cases))


def _control(
    m: Circuit,
    places: Places,
    f: Fetched,
    state: State,
    s: Sequence,
    done: Executed,
    unfinished: Word,
    found: timer.Timer,
    reached: Word,
) -> HandlerInputs:
    """The ports into control."""
    w, d, memory = state.working, done.decoded, done.memory
    entering, vectors = literal(state.entering), literal(s.vectors)
    number = disjoint_or(gated(vectors, *_bits(MEPC)), gated(vectors & entering, *_bits(4)))
    may_enter = ~any_set(state.entering, d.kinds[Kind.EBREAK]) & literal(state.handled)
    return HandlerInputs(
        fetched=f,
        places=places,
        sequence=s,
        legal=m.let("legal", Value((Signal(done.legal + bit(w.deliver[0])),))),
        taken=done.jump.taken,
        target=done.jump.target,
        mem_fault=memory.mem_fault,
        misaligned=memory.misaligned,
        is_ecall=d.kinds[Kind.ECALL],
        is_ebreak=d.kinds[Kind.EBREAK],
        stores=d.flags(Kind.SB, Kind.SH, Kind.SW),
        vector=m.read_register("vector", m.let("vector number", number)),
        unfinished=unfinished,
        may_enter=m.let("may enter", may_enter),
        interrupts=_due(m, state, s, reached),
        timer=found,
        upper=done.computed.sum.low[2:3],
        compute=w.compute,
        change=w.change,
    )


def _bits(number: int) -> list[Form]:
    return [constant(number >> place & 1) for place in range(_REGISTER_BITS)]


def _words(done: Executed) -> Form:
    """Whether the instruction loads or stores a word."""
    return flag(done.decoded.kinds[Kind.LW], done.decoded.kinds[Kind.SW])
