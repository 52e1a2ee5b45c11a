"""FLEQ programs, changed in a constant or a matrix, on the reference or in weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import memory_words
from looped.artefact.plan import CompiledMachine
from looped.engines.engine import Engine
from looped.errors import Source
from looped.image import Image
from looped.lang.assembler import assemble_in
from looped.lang.fleq import FLEQ
from looped.reference.fleq import Fleq
from looped.run.session import Session
from tests.programs.headers import FOLDER

__all__ = [
    "Run",
    "Vector",
    "assemble",
    "execute",
    "execute_in_weights",
    "initial",
    "source",
    "with_constant",
    "with_matrix",
]

Vector = npt.NDArray[np.float64]

MOST_STEPS = 1_000_000


@dataclass(frozen=True)
class Run:
    """A program that has halted."""

    image: Image
    memory: Sequence[int]
    text: str
    steps: int

    def matrix(self, name: str) -> Vector:
        """A matrix as it stands in memory at the end."""
        return _matrix(self.image, self.memory, name)


def assemble(source: Source, width: int | None = None) -> Image:
    """The image of a source, which may name another machine."""
    return assemble_in(FLEQ, source, width, True, {})


def execute(text: str, workers: int = 64, name: str = "p.fleq") -> Run:
    """Assemble a source and run it on the reference until it halts."""
    image = assemble(Source(name, text))
    side = image.symbols["fleq.side"]
    memory = max(32, side * side, 1 << (len(image.words) - 1).bit_length())
    fraction = image.symbols["fleq.fraction"]
    workers = min(workers, side * side)
    machine = Fleq(image.words, image.width, memory, fraction=fraction, side=side, workers=workers)
    steps = 0
    while not machine.halted:
        machine.step()
        steps += 1
        assert steps <= MOST_STEPS, f"{name} does not halt"
    assert not machine.trap, f"trap at {image.location(machine.pc)}"
    return Run(image, machine.memory, machine.output.decode(), steps)


def execute_in_weights(
    text: str, machine: CompiledMachine, engine: Engine, name: str = "p.fleq"
) -> Run:
    """Assemble a source and run it on the transformer until it halts."""
    image = assemble(Source(name, text))
    session = Session(machine, image, engine)
    session.run(MOST_STEPS)
    assert session.computer.halted(), f"{name} does not halt"
    memory = memory_words(engine.state(), machine.plan)[0].tolist()
    return Run(image, memory, session.output.pending.decode(), session.steps)


def source(name: str) -> str:
    """The text of a program of the project."""
    return (FOLDER / "fleq" / f"{name}.fleq").read_text()


def initial(text: str, name: str) -> Vector:
    """A matrix as the assembler leaves it."""
    image = assemble(Source("p.fleq", text))
    return _matrix(image, image.words, name)


def with_constant(text: str, name: str, value: float) -> str:
    """The source with another value of a constant."""
    changed, count = re.subn(rf"^\.equ {name} \S+", f".equ {name} {value}", text, flags=re.M)
    assert count == 1, name
    return changed


def with_matrix(text: str, name: str, values: Vector) -> str:
    """The source with other numbers in a matrix of any size."""
    rows = "\n".join("    " + " ".join(f"{x:.12f}" for x in row) for row in values)
    shape = "x".join(map(str, values.shape))
    pattern = rf"^\.matrix {name} [^\n]*\n(?: +[-\d][^\n]*\n)*"
    new = f".matrix {name} {shape}\n{rows}\n"
    changed, count = re.subn(pattern, lambda _: new, text, flags=re.M)
    assert count == 1, name
    return changed


def _matrix(image: Image, memory: Sequence[int], name: str) -> Vector:
    symbols = image.symbols
    rows, cols, start = symbols[f"{name}.rows"], symbols[f"{name}.cols"], symbols[name]
    side, scale = symbols["fleq.side"], 1 << symbols["fleq.fraction"]
    half = 1 << image.width - 1
    words = [[memory[start + i * side + j] for j in range(cols)] for i in range(rows)]
    return np.array([[(w - 2 * half if w >= half else w) / scale for w in row] for row in words])
