"""The command `looped`."""

from __future__ import annotations

import click

from looped import __version__
from looped.cli.exits import EXIT_CODES
from looped.cli.late import Late, LateGroup

__all__ = ["cli", "main"]


_HELP = """Compile assembly language to the weights of a looped transformer, and run it.

The assembler turns a program into an image: words of memory. The compiler turns a machine into
attention and MLP weights. The transformer runs again and again on its own output, one instruction
per loop. `looped verify` compares a run with a plain interpreter, lane by lane.

\b
Begin here:
  looped run programs/subleq/hello.sasm       run a program on the transformer
  looped verify programs/subleq/sieve.sasm    compare every step with the reference
  looped debug programs/subleq/sieve.sasm     stop it, step, go backwards, look inside
  looped diff A B                             find the first difference of two traces or runs
  looped generate programs/subleq/hello.sasm  run it as text that a language model generates
  looped view PROGRAM -o page.html            see every step from the inside
  looped info subleq                          what each head and each MLP does
  looped certify subleq                       prove from the weights that they are exact
  looped prove subleq                         prove that the circuit equals the reference
  looped ablate subleq                        what breaks without each head and each MLP
  looped plot weights subleq -o weights.svg   draw weights, a step, memory, the work of heads
"""


@click.group(
    help=_HELP,
    cls=LateGroup,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="looped")
def cli() -> None:
    """Compile assembly language to the weights of a looped transformer, and run it."""


_COMMANDS = (
    Late("asm", "looped.cli.build", "asm", "Assemble SOURCE into an image: the words of memory."),
    Late(
        "compile",
        "looped.cli.build",
        "compile_command",
        "Compile a program, or only a machine, to weights in a safetensors file.",
    ),
    Late(
        "run",
        "looped.cli.execute",
        "run",
        "Run PROGRAM (source, image or compiled file) on the transformer until it halts.",
    ),
    Late(
        "cc", "looped.cli.cc", "cc", "Compile a C program for RISC-V, with the C library picolibc."
    ),
    Late(
        "debug",
        "looped.cli.debug",
        "debug",
        "Debug PROGRAM (source, image or compiled file), forwards and backwards.",
    ),
    Late(
        "diff",
        "looped.cli.diff",
        "diff",
        "Find the first difference of A and B: by step, word, bit and source line.",
    ),
    Late(
        "verify",
        "looped.cli.verify",
        "verify",
        "Run every PROGRAM on the transformer and on the reference, and compare after every loop.",
    ),
    Late(
        "certify",
        "looped.cli.certify",
        "certify",
        "Prove from the weights that a machine computes its circuit, exactly, for all states.",
    ),
    Late(
        "prove",
        "looped.cli.prove",
        "prove",
        "Prove that one loop of a machine's circuit is one step of the reference, in every state.",
    ),
    Late(
        "info",
        "looped.cli.build",
        "info",
        "Explain the weights: per block, each head and each MLP group, and the words they touch.",
    ),
    Late(
        "export",
        "looped.cli.build",
        "export",
        "Write the weights into FOLDER as a checkpoint that stock software loads.",
    ),
    Late(
        "generate",
        "looped.cli.generate",
        "generate",
        "Run PROGRAM as the text that a causal language model generates.",
    ),
    Late(
        "ablate",
        "looped.cli.ablate",
        "ablate",
        "Knock out every head and every MLP group of MACHINE, one at a time, and say what breaks.",
    ),
    Late(
        "view",
        "looped.cli.view",
        "view",
        "Write a page that shows a run of PROGRAM from the inside.",
    ),
    Late(
        "plot", "looped.cli.plot", "plot", "Draw weights and runs into a .svg, .png or .pdf file."
    ),
    Late(
        "cache",
        "looped.cli.cache",
        "cache",
        "Show what earlier runs have kept, so that later ones start at once.",
    ),
    Late(
        "train",
        "looped.cli.train",
        "train",
        "Train transformers on the core, and measure what they learn.",
    ),
    Late(
        "study",
        "looped.cli.study",
        "study",
        "Measure constructions of the literature on the core.",
    ),
)

for _command in _COMMANDS:
    cli.add_late(_command)

main = cli
