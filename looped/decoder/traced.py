"""traced: a circuit whose memory is a text. What it reads and writes stays as it is.

The looped machine keeps words in columns that change in place. Here every loop of the circuit is a
record of the text, and each token computes the loop again, from what the text holds:

- A *register* that a loop begins with is gathered: the latest token that says its value.
- A *read* asks for its address among the records. An offset costs an adder, as no column has a
  positional code.
- A *write* is emitted: its address and its value are tokens. The next value of a register is
  another token, and is due after the value. So it may use the value from the text, as one that was
  gathered, which saves a layer.
- *Input* is emitted by the host: where the circuit takes input, `?` is due and not a value. So the
  host is always ready. *Output* is a token in place of a write.
- A text ends when the machine halts: no token has a halted machine before it.

`folding` removes what these facts decide, `schedule` gives each statement a phase. Attention of
layer k is phase 2 k, its MLP phase 2 k + 1; attention of layer 0 gathers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from looped.circuit.arithmetic import add
from looped.circuit.circuit import Circuit, Define, Read, Register
from looped.circuit.graph import Graph
from looped.circuit.names import scoped
from looped.circuit.signals import Value
from looped.circuit.words import Lane, Word
from looped.decoder.folding import copied, folded, propagated, renamed
from looped.decoder.grammar import NOWHERE, Text
from looped.decoder.spec import Spec
from looped.errors import CompileError
from looped.passes.checks import checked
from looped.passes.schedule import Schedule, check_schedule, schedule

__all__ = ["Traced", "missing", "traced"]


@dataclass(frozen=True)
class Traced:
    """A circuit with phases, whose reads without an address gather; and the words from which the
    text continues: address, value, next program counter, byte of output, in a window the address
    that is refreshed and the word there."""

    schedule: Schedule
    layers: int
    address: Word
    value: Word
    counter: Word
    output: Word
    refreshed: Word | None
    refresh: Word | None

    @property
    def emitted(self) -> tuple[Word, ...]:
        """The words from which the text continues."""
        words = (self.address, self.value, self.counter, self.output, self.refreshed, self.refresh)
        return tuple(word for word in words if word is not None)


def missing(circuit: Graph) -> list[str]:
    """What a circuit has and a text of these records has not: empty if it can be traced."""
    ports, used = circuit.ports, {lane for _, lanes in circuit.uses() for lane in lanes}
    kept = [r.name for r in circuit.registers if r.following and used.intersection(r.word)]
    others = [name for name in kept if name != "pc"]
    halts = [r for r in circuit.registers if r.name == "pc" and circuit.halted == r.word[-1]]
    found = {
        "a register file": circuit.register_bits > 0,
        f"registers beside the program counter ({', '.join(others)})": bool(others),
        "a machine that halts elsewhere than at a negative program counter": not halts,
        "instructions of several loops": circuit.busy is not None,
        "several CPU columns": circuit.workers is not None,
        "traps": ports.trap is not None,
        "output as numbers": ports.print is not None,
        "no bytes of input and output": ports.input is None or ports.output is None,
        "reads under a condition": any(read.when is not None for read in circuit.reads),
        f"{len(circuit.writes)} writes": len(circuit.writes) != 1,
        "writes under a condition": any(write.when is not None for write in circuit.writes),
    }
    return [what for what, there in found.items() if there]


def traced(circuit: Circuit, spec: Spec) -> Traced:
    """A circuit as a trace. Raises CompileError if it is invalid, or has what a text has not: see
    `missing`."""
    circuit.check()
    lacking = missing(circuit)
    if lacking:
        raise CompileError(
            f"{circuit.name} cannot be a trace: it has {lacking[0]}",
            hint=f"a text of records has no {', no '.join(lacking)}",
        )
    return _Lowering(circuit, spec).result()


class _Lowering:
    """The statements of a trace, made from those of a circuit."""

    def __init__(self, circuit: Circuit, spec: Spec) -> None:
        self.circuit, self.spec, self.text = circuit, spec, Text(spec)
        words = {r.name: r.following or r.word for r in circuit.registers}
        (self.pc,) = (r for r in circuit.registers if r.name == "pc")
        (self.write,) = circuit.writes
        input_, output = circuit.ports.input, circuit.ports.output
        assert input_ is not None and output is not None
        self.taken, self.when = words[input_.taken], words[output.when]
        self.content, self.ready = words[output.content], words[input_.ready]
        self.counter = words["pc"]
        self.reads: list[Read] = []
        self.defines: list[Define] = []

    def result(self) -> Traced:
        self._fold()
        self._forward()
        for read in self.circuit.reads:
            self._read(read)
        text = self.text.statements(self.pc.word, self.taken, self.when)
        output = self._output()
        graph = Circuit(
            self.circuit.name, self.spec.width, self.spec.address_bits,
            precision=self.circuit.precision,
        )  # fmt: skip
        graph.reads = [*text.gathers, *self.reads]
        graph.defines = [*text.defines, *self.defines]
        graph.writes = [replace(self.write, where=NOWHERE)]
        ends = (self.counter, output, *(define.target for define in text.defines))
        graph.registers = [*text.registers, *map(_end, ends)]
        placed = checked(schedule(graph), check_schedule)
        phases = [*placed.reads, *placed.bits]
        made = Traced(
            placed, max(phases) // 2 + 1, self.write.address, self.write.value, self.counter,
            output, text.refreshed, text.refresh,
        )  # fmt: skip
        for word in (*made.emitted, *text.kept):
            placed.use(word, 2 * made.layers)
        return made

    def _fold(self) -> None:
        """What the text decides: the machine runs, the host is ready, a program counter has as many
        bits as its token. A value is due only without input and output, a byte only with output."""
        facts = dict.fromkeys(self.pc.word.lanes[self.spec.pc_bits :], -1)
        facts |= dict.fromkeys(self.ready, 1)
        defines, known = propagated(self.circuit.defines, facts)
        cases = {
            self.write.value: dict.fromkeys((*self.taken, *self.when), -1),
            self.content: dict.fromkeys(self.when, 1),
        }
        self.defines = [
            folded(d, known | cases[d.target]) if d.target in cases else d for d in defines
        ]

    def _forward(self) -> None:
        """What nothing before the value depends on takes the value from the text."""
        early = (self.write.address, self.write.value, self.taken, self.when, self.content)
        before = set(_sources(self.defines, early))
        value = dict(zip(self.write.value, self.text.value, strict=True))
        for index, define in enumerate(self.defines):
            used = {lane for signal in define.value.signals for lane in signal.lanes()}
            if used.isdisjoint(value):
                continue
            if not before.isdisjoint(define.target):
                raise CompileError(
                    f"`{define.name}` at {define.where} depends on the word that is written, and "
                    "is due before it"
                )
            self.defines[index] = renamed(define, value)

    def _read(self, read: Read) -> None:
        """A read; the sum of its address and its offset is a definition."""
        address = read.address
        if read.offset:
            name = f"{address.name}+{read.offset}"
            target = Word.of(name, len(address))
            size = self.circuit.precision.slice_bits
            define = Define(name, target, add(address, read.offset, self._keep, size), read.where)
            self.defines.append(define)
            address = target
        self.reads.append(replace(read, address=address, offset=0, port=None))

    def _keep(self, name: str, content: Value) -> Word:
        word = Word.of(name, len(content))
        self.defines.append(Define(name, word, content, NOWHERE))
        return word

    def _output(self) -> Word:
        """The byte of output: often the copy of a word, which then stands for it."""
        index = next(i for i, d in enumerate(self.defines) if d.target == self.content)
        same = copied(self.defines[index])
        if same is None:
            return self.content
        del self.defines[index]
        return same


def _end(word: Word) -> Register:
    """A word that outlives the loop: an end of the schedule, as the next value of a register is."""
    return Register(word.name, Word.of(scoped(word.name, "end"), len(word)), word, NOWHERE)


def _sources(defines: Iterable[Define], words: Iterable[Word]) -> Iterator[Lane]:
    """The lanes of some words, and all that they are made from."""
    made = {
        lane: signal
        for define in defines
        for lane, signal in zip(define.target, define.value.signals, strict=True)
    }
    pending, seen = [lane for word in words for lane in word], set[Lane]()
    while pending:
        lane = pending.pop()
        if lane not in seen:
            seen.add(lane)
            yield lane
            pending += made[lane].lanes() if lane in made else ()
