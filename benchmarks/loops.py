"""`python -m benchmarks.loops`: loops of RV32IM for each instruction of C programs.

A product takes 10 loops, a quotient 18, and every other instruction one; with one bit of the
multiplier or of the quotient in each loop, both would take 34. The reference counts instructions.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from looped import api
from looped.image import Image
from looped.isa.rv32i import decode
from looped.isa.rv32im import EXTENSION
from looped.reference import Rv32im, riscv_system

__all__ = ["count", "main"]

_C = Path(__file__).parents[1] / "programs" / "c"
_COMPILER = "riscv64-unknown-elf-gcc"
_FLAGS = "-mabi=ilp32 -O2 -ffreestanding -nostdlib -fno-tree-loop-distribute-patterns"
_LOOPS = {name: 10 if name.startswith("mul") else 18 for name in EXTENSION}
_BIT_BY_BIT = 34
"""Loops of a product or a quotient with one bit in each: 32, and one at each end."""


def main() -> None:
    """Count the loops of some programs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loops", description=__doc__)
    parser.add_argument("programs", nargs="*", default=["matrix", "mandelbrot"], metavar="NAME")
    if shutil.which(_COMPILER) is None:
        raise SystemExit(f"there is no {_COMPILER}")
    print("| program | rv32i | rv32im | of these mul, div | loops | per instruction | bit by bit |")
    print("|---|---|---|---|---|---|---|")
    for name in parser.parse_args().programs:
        (base, _), (steps, slow) = (count(_image(name, m)) for m in ("rv32i", "rv32im"))
        loops = steps + sum((_LOOPS[mnemonic] - 1) * n for mnemonic, n in slow.items())
        before = steps + (_BIT_BY_BIT - 1) * slow.total()
        row = f"{base:,}", f"{steps:,}", f"{slow.total():,}", f"{loops:,}"
        print("|", " | ".join((name, *row, f"{loops / steps:.2f}", f"{before / steps:.2f}")), "|")


def count(image: Image) -> tuple[int, Counter[str]]:
    """The instructions of a run, and how many of each of the extension are among them."""
    memory = api.usual_memory(image)
    hart = Rv32im(image.words, image.width, memory, b"", image.entry, **image.regions.parameters)
    system, steps, found = riscv_system(image, b""), 0, Counter[str]()
    while not hart.halted:
        instruction = decode(hart.memory[hart.index(hart.pc)], EXTENSION)
        if instruction is not None:
            found[instruction.mnemonic] += 1
        hart.step()
        system.after(hart)
        steps += 1
    return steps, found


def _image(name: str, machine: str) -> Image:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "program.elf"
        parts = [*(_C / "lib" / part for part in ("crt0.s", "system.c")), _C / f"{name}.c"]
        linking = ["-Wl,--no-warn-rwx-segments", "-T", _C / "lib" / "program.ld"]
        command = [_COMPILER, f"-march={machine}", *_FLAGS.split(), *linking, *parts, "-lgcc"]
        subprocess.run([*map(str, command), "-o", str(result)], check=True)
        return api.assemble(result, "rv32im")


if __name__ == "__main__":
    main()
