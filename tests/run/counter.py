"""A machine that prints: it counts in fixed-point words, and shows what it has counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from looped.artefact.plan import CompiledMachine
from looped.circuit.arithmetic import equal
from looped.circuit.circuit import Circuit
from looped.circuit.signals import Condition, literal
from looped.circuit.words import Word, unsigned
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


def describe(number: NumberFormat | None = None, several: bool = False) -> Circuit:
    """An instruction is a word that is added to the total, once in each of its loops.

    Its two lowest bits say how many more loops follow the first one. Each loop prints the total,
    but the last one does not if the bit QUIET is set; ENDS_LINE ends a line with the last loop.
    Zero halts. Of `several` workers each prints its number instead of the two lowest bits. The
    first one prints in every such loop, worker n is silent if n more loops follow. Only the last
    one ends a line.
    """
    number = number or NumberFormat(WordKind.SIGNED, FRACTION)
    m = Circuit("counters" if several else "counter", WIDTH, MEMORY.bit_length() - 1)
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
    prints, ends_line = literal(going) & ~literal(mute), literal(last) & literal(word[2:3])
    counted_by = counted
    if several:
        own, mask = m.register("own", 2), m.register("mask", 2)
        m.has_workers(own, mask)
        below = m.let("below", Condition(unsigned(own) - unsigned(still), 1))
        above = m.let("above", Condition(unsigned(still) - unsigned(own), 1))
        prints &= literal(m.let("speaks", literal(below) | literal(above) | equal(own, 0)))
        ends_line &= literal(m.let("is last", Condition(unsigned(own) - unsigned(mask), 0)))
        counted_by = Word("counted by", (*own, *counted[2:]))
    printing = m.output("printing", prints)
    ends = m.output("ends", literal(printing) & ends_line)
    shown = m.output("shown", m.select(printing, counted_by, 0), WIDTH, number)
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

    def __init__(self, words: Sequence[int], *rest: object, workers: int | None = None) -> None:
        super().__init__(words, *rest)  # type: ignore[arg-type]
        self.total, self.done, self.workers = 0, False, workers
        self._printed: list[Printed | None] = []

    @property
    def halted(self) -> bool:
        return self.done

    def step(self) -> Step:
        pc, word, text = self.pc, self.memory[self.pc], []
        self._printed = []
        if word == 0:
            self.done = True
            return Step(pc, pc)
        for still in reversed(range(word % 4 + 1)):
            self.total = (self.total + word) % 256
            self._printed = [] if word & QUIET and not still else self._print(word, still)
            for each in self._printed:
                if each is not None:
                    text.append(decimal_text(each.word - 256 * (each.word > 127), FRACTION))
                    text.append("\n" if each.ends_line else " ")
        self.pc = (pc + 1) % len(self.memory)
        return Step(pc, self.pc, written="".join(text).encode())

    def _print(self, word: int, still: int) -> list[Printed | None]:
        """What the workers print if so many more loops follow."""
        ends_line = bool(word & ENDS_LINE) and not still
        if self.workers is None:
            return [Printed(self.total, ends_line)]
        return [
            None
            if 0 < number == still
            else Printed(self.total & ~3 | number, ends_line and number == self.workers - 1)
            for number in range(self.workers)
        ]

    def printed(self) -> Sequence[Printed | None]:
        return self._printed

    def cpu_words(self) -> dict[str, int]:
        return {"pc": self.pc, "total": self.total, "done": int(self.done)}


@contextmanager
def registered(workers: int | None = None) -> Iterator[CompiledMachine]:
    """The compiled machine, which is registered meanwhile; None: it never has several workers."""
    name = "counter" if workers is None else "counters"
    isa = InstructionSet(name, (Instruction("count", (Operand("a"),)),), (WIDTH,))
    machine = Machine(
        name=name,
        widths=(WIDTH,),
        describe=lambda width, address_bits, code, precision: describe(several=workers is not None),
        reference=Counter,
        language=plain_language(isa, WIDTH, ".count"),
        accesses=lambda image, port: Accesses(),
        disassemble=plain_text(isa.instructions[0]),
    )
    register(machine)
    try:
        yield compile_circuit(machine.circuit(WIDTH, MEMORY), workers=workers or 1)
    finally:
        unregister(name)


def program(*words: int) -> Image:
    """A program that halts behind these words."""
    return Image("counter", WIDTH, words)
