"""Targets: readers, each with a way to make a case for it out of a random number."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from looped import api
from looped.artefact.checkpoint import load_machine
from looped.image.formats import load_image
from looped.registry import assemble_file, load_elf_program
from looped.run.checkpoint import identify, load_checkpoint
from tests.cli.bad import checkpoints, compiled
from tests.fuzz.damage import damaged, mistaken, rearranged
from tests.image.test_elf import CODE, elf
from tests.lang.riscv import binutils

__all__ = ["TARGETS", "Target"]

_PROGRAMS = Path(__file__).parents[2] / "programs"
_COMMON = [
    "x:", ",", "(", ")", "+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", "~", "1", "0x",
    "0b1", "077", "08", "'a'", "\"t\"", "'\\n'", "\"\\x\"", ".macro", ".endm", ".once",
    ".endonce", ".equ", ".include", ".org", ".zero", ".word", ".ascii", ".asciz", ".width",
    ".machine", "@l", "@l:", "$", ".", ";", "#", "x", "y", "m", "a0", "99999999999", "65536",
    "-1", "é", "\ufeff", "\u2028", "²", "٣",
]  # fmt: skip
_SUBLEQ = [
    *_COMMON,
    "\n", "\n", "\n", "subleq", "mov", "add", "jmp", "in", "out", "push", "call", "ret", "divmod",
    "rv32i",
]  # fmt: skip
_RISCV = [
    *_COMMON,
    "\n", "\n", "\n", ";", "lw", "sw", "li", "la", "j", "jal", "jalr", "beq", "fence", "ecall",
    "call", "tail", "auipc", "%hi(", "%lo(", "%pcrel_hi(", "%pcrel_lo(", "1:", "1b", "1f",
    "0(sp)", ".byte", ".half", ".quad", ".align", ".balign", ".p2align", ".space", ".comm",
    ".set", "=", ".section", ".data", ".bss", ".text", ".globl", ".string", "/*", "*/", "//",
    "\\x", "subleq", "32",
]  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A reader. `make` gives the content of a file called `file`, and `read` reads it.

    `read` returns, or raises an error of our own; anything else is what is looked for.
    """

    name: str
    file: str
    make: Callable[[random.Random], bytes]
    read: Callable[[Path], object]


@functools.cache
def _sources(pattern: str) -> tuple[bytes, ...]:
    found = tuple(path.read_bytes() for path in sorted(_PROGRAMS.glob(pattern)))
    assert found
    return found


def _source(pattern: str, pieces: list[str]) -> Callable[[random.Random], bytes]:
    def make(rng: random.Random) -> bytes:
        if rng.random() < 0.5:
            return rearranged(rng, pieces, 40).encode()
        return damaged(rng, rng.choice(_sources(pattern))[: rng.choice((100, 400, 2000))])

    return make


@functools.cache
def _linked() -> tuple[bytes, ...]:
    """Good ELF files: one of ours, and one of GNU binutils, with lines for a debugger."""
    own = elf((0, CODE, 12), (17, b"\1\2", 9), entry=4, symbols=(("main", 4, 2, 1),))
    if not binutils.FOUND:
        return (own,)
    text = '.file "a.s"\n.globl _start\n_start: nop\n la a0, x\n ecall\n.data\nx: .word 1, x\n'
    with TemporaryDirectory() as folder:
        return own, binutils.link(text, Path(folder), options=("-g",)).read_bytes()


def _elf(rng: random.Random) -> bytes:
    return damaged(rng, rng.choice(_linked()))


def _image(rng: random.Random) -> bytes:
    numbers = "".join(f"{rng.randrange(-40000, 70000)}{rng.choice(' ,;')}" for _ in range(20))
    return damaged(rng, numbers.encode())


def _compiled(rng: random.Random) -> bytes:
    return damaged(rng, compiled.good())


def _forged_plan(rng: random.Random) -> bytes:
    part = rng.choice(("plan", "program"))
    return compiled.forged(lambda t, m: m.update({part: json.dumps(mistaken(rng, m[part]))}))


def _checkpoint(rng: random.Random) -> bytes:
    return damaged(rng, checkpoints.good())


def _forged_run(rng: random.Random) -> bytes:
    def change(tensors: object, run: dict[str, object]) -> None:
        changed = mistaken(rng, dict(run))
        run.clear()
        run.update(changed if isinstance(changed, dict) else {"run": changed})

    return checkpoints.forged(change)


@functools.cache
def _identity() -> object:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.sasm"
        path.write_text(checkpoints.PROGRAM)
        image = api.assemble(path)
        return identify(api.compile(image), image)


def _load_checkpoint(path: Path) -> object:
    return load_checkpoint(path, _identity())


TARGETS = (
    Target("subleq", "a.sasm", _source("subleq/*.sasm", _SUBLEQ), assemble_file),
    Target("riscv", "a.s", _source("rv32i/*.s", _RISCV), assemble_file),
    Target("dec", "a.dec", _image, lambda path: load_image(path, "subleq", 16)),
    Target("hex", "a.hex", _image, lambda path: load_image(path, "subleq", 32)),
    Target("bin", "a.bin", _image, lambda path: load_image(path, "subleq", 16)),
    Target("elf", "a.elf", _elf, load_elf_program),
    Target("compiled", "a.safetensors", _compiled, load_machine),
    Target("plan", "a.safetensors", _forged_plan, load_machine),
    Target("checkpoint", "state", _checkpoint, _load_checkpoint),
    Target("run", "state", _forged_run, _load_checkpoint),
)
