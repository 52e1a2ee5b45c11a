"""Machine: all that the rest of `looped` knows of an instruction set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from looped.errors import CompileError
from looped.machines.code import BakedCode, not_baked
from looped.precision import FLOAT32, Precision
from looped.registry.parameters import Parameter, settled

if TYPE_CHECKING:
    from looped.circuit.circuit import Circuit
    from looped.decoder import Spec
    from looped.devices import ProgramHost
    from looped.devices.accesses import Accesses, Words
    from looped.devices.host import ByteSource, ColumnPort
    from looped.environment import Environment
    from looped.image import Image
    from looped.isa.flow import Flow
    from looped.lang.language import Language
    from looped.profiles.profile import FuzzProfile
    from looped.reference import Reference, System
    from looped.symbolic.cases import Case
    from looped.symbolic.loop import Loop

__all__ = ["MAXIMUM_MEMORY", "MINIMUM_MEMORY", "Machine", "largest_memory"]

MINIMUM_MEMORY = 1 << 5
MAXIMUM_MEMORY = 1 << 22

MOST_LOOPS = 64
"""A bound on the loops of an instruction: the most that the sequences of RV32IM take is 34."""


def largest_memory(width: int) -> int:
    """The most words of memory that a machine with words of `width` bits can have.

    Of 16 bits or more, the highest is the sign of a program counter, so half of them are addresses.
    """
    return min(MAXIMUM_MEMORY, max(1 << 8, 1 << width - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """An instruction set that a looped transformer can be compiled for.

    Every machine has these fields:

    - `describe(width, address_bits, code, precision)` is one step as a circuit; `code` is None for
      a universal machine, `precision` is the format in which its sums must be exact.
    - `reference(words, width, memory, data, entry)` is the reference interpreter. Both also get the
      `parameters` by their names, the reference of a machine with workers also their number.
    - `language` is the assembly language, which has the same name as the machine.
    - `accesses(image, port)` names the words that the next instruction reads and writes.
    - `disassemble(words, pc, width)` is the text of an instruction of `instruction_words` words.

    Some machines also have these:

    - `parameters` are what a machine is compiled for, beside width and memory;
      `least_memory(**parameters)` is the fewest words that it can have, `most_memory(**parameters)`
      the most words that these parameters allow.
    - `room(image)` are the words beyond a program that it expects for its heap and its stack.
    - `most_loops(width, **parameters)` is a bound on the loops of one instruction.
    - `read_code(image, memory)` finds the instructions of a program, for baking. It raises
      CompileError for a program that cannot be baked.
    - `fuzz` makes random programs, `prover_cases(loop)` yields the cases that a proof must show;
      without them `why_no_proof` says why.
    - `host(image, source, environment)` serves the traps of a program on the transformer,
      `system(image, data, environment)` on the reference; `describe_trap(image, port)` explains a
      trap that neither serves. It is None if the machine has halted without a trap.
    - `causes_of_next` are the causes of traps that belong to the next instruction: the instruction
      that raises them has completed.
    - `register_numbers` maps every name of a register of the register file to its number;
      `flow(words)` says whether an instruction calls or returns.
    - `runs_elf(architecture)` says whether this machine runs ELF files for an architecture, which
      is named as linkers name it.
    - `commit_line(pc, word, written, registers)` is the line of a completed instruction in the
      commit log of the simulator that people use for this machine.
    - `causal(width, memory, context, window, **parameters)` is the machine as a causal language
      model.
    """

    name: str
    widths: tuple[int, ...]
    describe: Callable[..., Circuit]
    reference: Callable[..., Reference]
    language: Language
    accesses: Callable[[Image, Words], Accesses]
    disassemble: Callable[[tuple[int, ...], int, int], str]
    instruction_words: int = 1
    parameters: tuple[Parameter, ...] = ()
    least_memory: Callable[..., int] = lambda **parameters: MINIMUM_MEMORY
    most_memory: Callable[..., int] = lambda **parameters: MAXIMUM_MEMORY
    room: Callable[[Image], int] = lambda image: 0
    most_loops: Callable[..., int] = lambda width, **parameters: MOST_LOOPS
    read_code: Callable[[Image, int], BakedCode] = not_baked
    fuzz: FuzzProfile | None = None
    prover_cases: Callable[[Loop], Iterator[Case]] | None = None
    why_no_proof: str = "it registers no `prover_cases`"
    host: Callable[[Image, bytes | ByteSource, Environment], ProgramHost] | None = None
    system: Callable[[Image, bytes, Environment], System] | None = None
    describe_trap: Callable[[Image, ColumnPort], str | None] | None = None
    causes_of_next: frozenset[int] = frozenset()
    register_numbers: Mapping[str, int] = field(default_factory=dict)
    flow: Callable[[tuple[int, ...]], Flow] | None = None
    runs_elf: Callable[[str], bool] | None = None
    commit_line: Callable[[int, int, Iterable[tuple[int, int]], Sequence[int]], str] | None = None
    causal: Callable[..., Spec] | None = None

    def settled(self, width: int, asked: Mapping[str, int]) -> dict[str, int]:
        """The value of every parameter: the one that is asked for, or the default.

        Raises CompileError for an unknown parameter or an impossible value.
        """
        return settled(self.name, self.parameters, width, asked)

    def check_width(self, width: int) -> None:
        """Raise CompileError unless the machine can have words of `width` bits."""
        if width not in self.widths:
            known = ", ".join(map(str, self.widths))
            raise CompileError(f"{self.name} has no {width}-bit words", hint=f"widths: {known}")

    def check(self, width: int, memory: int, **asked: int) -> None:
        """Raise CompileError unless the machine can have this width, `memory` words and the
        parameters that are asked for."""
        self.check_width(width)
        parameters = self.settled(width, asked)
        least = self.least_memory(**parameters)
        largest = min(largest_memory(width), self.most_memory(**parameters))
        if memory & (memory - 1) or not least <= memory <= largest:
            shown = "".join(f", {name} {value}" for name, value in parameters.items())
            raise CompileError(
                f"a memory of {memory} words is impossible with {width}-bit words{shown}",
                hint=f"memory must be a power of two from {least} to {largest}",
            )

    def circuit(
        self,
        width: int,
        memory: int,
        code: BakedCode | None = None,
        precision: Precision = FLOAT32,
        **asked: int,
    ) -> Circuit:
        """One step of the machine, with the parameters that are asked for.

        Raises CompileError for an impossible width, memory or parameter.
        """
        self.check(width, memory, **asked)
        parameters = self.settled(width, asked)
        circuit = self.describe(width, memory.bit_length() - 1, code, precision, **parameters)
        circuit.parameters = parameters
        circuit.check()
        return circuit
