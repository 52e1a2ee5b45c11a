"""The command `looped`."""

from __future__ import annotations

import click

from looped import __version__
from looped.cli.build import asm, compile_command, export, info
from looped.cli.certify import certify
from looped.cli.execute import run
from looped.cli.exits import EXIT_CODES, CleanGroup
from looped.cli.prove import prove
from looped.cli.study import study
from looped.cli.verify import verify

__all__ = ["cli", "main"]


_HELP = """Compile assembly language to the weights of a looped transformer, and run it.

A program becomes an image (words of memory), a machine becomes attention and MLP weights, and
the same transformer is applied again and again: one instruction a loop. Every run can be held
against a plain interpreter, lane by lane.

\b
Begin here:
  looped run programs/subleq/hello.sasm       run a program on the transformer
  looped verify programs/subleq/sieve.sasm    prove every step of it equal
  looped info subleq                          what each head and each MLP does
  looped certify subleq                       prove from the weights that it is exact
  looped prove subleq                         prove that its circuit is its manual
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


for command in (asm, compile_command, run, verify, certify, prove, info, export, study):
    cli.add_command(command)

main = cli
