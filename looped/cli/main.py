"""The command `looped`."""

from __future__ import annotations

import click

from looped import __version__
from looped.cli.ablate import ablate
from looped.cli.build import asm, compile_command, export, info
from looped.cli.certify import certify
from looped.cli.debug import debug
from looped.cli.diff import diff
from looped.cli.execute import run
from looped.cli.exits import EXIT_CODES, CleanGroup
from looped.cli.prove import prove
from looped.cli.study import study
from looped.cli.verify import verify

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
  looped info subleq                          what each head and each MLP does
  looped certify subleq                       prove from the weights that they are exact
  looped prove subleq                         prove that the circuit equals the reference
  looped ablate subleq                        what breaks without each head and each MLP
"""


@click.group(
    help=_HELP,
    cls=CleanGroup,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="looped")
def cli() -> None:
    """Compile assembly language to the weights of a looped transformer, and run it."""


for command in (
    asm,
    compile_command,
    run,
    debug,
    diff,
    verify,
    certify,
    prove,
    info,
    export,
    ablate,
    study,
):
    cli.add_command(command)

main = cli
