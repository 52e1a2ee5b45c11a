"""A machine that prints: it counts in fixed-point words, and shows what it has counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from looped.artefact.plan import CompiledMachine
from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import literal
from looped.devices.accesses import Accesses
from looped.image import Image
from looped.isa.isa import Instruction, InstructionSet, Operand
from looped.lang.plain import plain_language, plain_text
from looped.number_format import NumberFormat, WordKind
from looped.passes.emit import compile_circuit
from looped.reference import Reference
from looped.reference.fleq_text import decimal_text
from looped.registry import Machine, register, unregister
from looped.trace import Printed, Step

WIDTH, FRACTION, MEMORY = 8, 3, 32
ENDS_LINE, QUIET = 4, 8


def describe(number: NumberFormat | None = None) -> Circuit:
    """An instruction is a word that is added to the total, once in each of its loops.

    Its two lowest bits say how many more loops follow the first one. Each loop prints the total,
    but the last one does not if the bit QUIET is set; ENDS_LINE ends a line with the last loop.
    Zero halts.
    """
    number = number or NumberFormat(WordKind.SIGNED, FRACTION)
    m = Circuit("counter", WIDTH, MEMORY.bit_length() - 1)
    pc, total = m.register("pc", m.address_bits), m.register("total", WIDTH, number)
    done, busy, left = m.register("done", 1), m.register("busy", 1), m.register("left", 2)
    begun = m.register("begun", WIDTH)
    m.halts(done)
    m.multi_loop(busy, left, begun)
    word = m.fetch("word", pc)
    going = m.let("going", ~equal(word, 0) & ~literal(done))
    still = m.let("still", m.select(busy, m.add(left, 3), word[:2]))
    last = m.let("last", equal(still, 0) & literal(going))
    mute = m.let("mute", literal(last) & literal(word[3:4]))
    counted = m.let("counted", m.add(m.let("before", m.select(busy, begun, total)), word))
    printing = m.output("printing", literal(going) & ~literal(mute))
    ends = m.output("ends", literal(last) & literal(word[2:3]) & ~literal(mute))
    shown = m.output("shown", m.select(printing, counted, 0), WIDTH, number)
    m.print_port(shown, when=printing, ends_line=ends)
    m.next(total, m.select(last, counted, total))
    m.next(begun, m.select(literal(going) & ~literal(last), counted, 0))
    m.next(left, m.select(going, still, 0))
    m.next(busy, literal(going) & ~literal(last))
    m.next(pc, m.select(last, m.add(pc, 1), pc))
    m.next(done, literal(done) | equal(word, 0))
    return m


class Counter(Reference):
    """The machine in plain integers."""

    def __init__(self, words: Sequence[int], *rest: object) -> None:
        super().__init__(words, *rest)  # type: ignore[arg-type]
        self.total, self.done = 0, False
        self._printed: tuple[Printed, ...] = ()

    @property
    def halted(self) -> bool:
        return self.done

    def step(self) -> Step:
        pc, word, text = self.pc, self.memory[self.pc], []
        self._printed = ()
        if word == 0:
            self.done = True
            return Step(pc, pc)
        for still in reversed(range(word % 4 + 1)):
            self.total = (self.total + word) % 256
            ends_line = bool(word & ENDS_LINE) and not still
            self._printed = () if word & QUIET and not still else (Printed(self.total, ends_line),)
            shown = decimal_text(self.total - 256 * (self.total > 127), FRACTION)
            text += [shown, "\n" if ends_line else " "] if self._printed else []
        self.pc = (pc + 1) % len(self.memory)
        return Step(pc, self.pc, written="".join(text).encode())

    def printed(self) -> Sequence[Printed]:
        return self._printed

    def cpu_words(self) -> dict[str, int]:
        return {"pc": self.pc, "total": self.total, "done": int(self.done)}


_ISA = InstructionSet("counter", (Instruction("count", (Operand("a"),)),), (WIDTH,))


@contextmanager
def registered() -> Iterator[CompiledMachine]:
    """The compiled machine, which is registered meanwhile."""
    machine = Machine(
        name="counter",
        widths=(WIDTH,),
        describe=lambda width, address_bits, code, precision: describe(),
        reference=Counter,
        language=plain_language(_ISA, WIDTH, ".count"),
        accesses=lambda image, port: Accesses(),
        disassemble=plain_text(_ISA.instructions[0]),
    )
    register(machine)
    try:
        yield compile_circuit(machine.circuit(WIDTH, MEMORY))
    finally:
        unregister("counter")


def program(*words: int) -> Image:
    """A program that halts behind these words."""
    return Image("counter", WIDTH, words)
