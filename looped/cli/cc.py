"""cc: call a RISC-V compiler, with the flags for a program that `looped run` executes."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import click

from looped.errors import FileError

__all__ = ["cc"]

_PATH = click.Path(path_type=Path, readable=False)  # the compiler reports what is wrong
_COMPILERS = ("riscv64-unknown-elf-gcc", "riscv32-unknown-elf-gcc")
_SPECS = "picolibc.specs"
_INSTALL = "on Debian and Ubuntu: apt install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"

_TARGET = ("-march=rv32im", "-mabi=ilp32")
_LIBRARY = (f"--specs={_SPECS}", "--oslib=semihost", "--crt0=semihost")
_USUAL = ("-O2", "-g")
_STDIN = Path(__file__).with_name("stdin.c")
_NO_PROGRAM = {"-c", "-S", "-E"}
"""Flags with which the compiler makes something else, from one source."""

_START = 0x80000000
_CODE, _RAM, _STACK = 128, 1920, 16
"""KiB for code, for data, heap and stack together, and for the stack: 2 MiB in all."""

_MOST = 16 << 10
"""KiB of the largest memory."""

_SYNTAX_ERROR = 3

_HELP = """Compile a C program for RISC-V, with the C library picolibc.

This calls riscv64-unknown-elf-gcc with the flags that a program for `looped run` needs, and prints
the command. FLAGS go to the compiler after these: further sources, -O0, -Wall, or -march=rv32i for
the machine without multiplication. The machine can have 16 MiB of memory for code and RAM.

\b
Examples:
  looped cc hello.c
  looped run hello.elf
  looped cc big.c --ram 4096
  looped cc main.c -o list.elf -- list.c -O0 -Wall
"""


class _WithFlags(click.Command):
    """A command that says where flags of the compiler go."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take arguments as usual. Raises UsageError."""
        given = [*args]
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name
            flag = next((word for word in given if word.startswith(name)), name)
            raise click.UsageError(
                f"{flag} is not an option of `looped cc`. "
                f"Flags for the compiler go after `--`: looped cc FILE.c -- {flag}",
                ctx,
            ) from None


@click.command(help=_HELP, cls=_WithFlags)
@click.argument("source", type=_PATH, metavar="FILE.c")
@click.option(
    "-o", "--output", type=_PATH, help="File for the program; by default FILE.elf beside FILE.c."
)
@click.option(
    "--code",
    type=click.IntRange(4, _MOST),
    default=_CODE,
    show_default=True,
    metavar="KIB",
    help="Memory for code and constants.",
)
@click.option(
    "--ram",
    type=click.IntRange(4 + _STACK, _MOST),
    default=_RAM,
    show_default=True,
    metavar="KIB",
    help=f"Memory for data, heap and stack; the stack has {_STACK} KiB.",
)
@click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[-- FLAGS...]")
def cc(source: Path, output: Path | None, code: int, ram: int, flags: tuple[str, ...]) -> None:
    """Compile a C program for RISC-V, with the C library picolibc."""
    target = output or source.with_suffix(".elf")
    usual = [*_TARGET, *_LIBRARY, *_USUAL, *_layout(code, ram)]
    links = not _NO_PROGRAM & {*flags}
    sources = [str(source), *([str(_STDIN)] if links else [])]
    command = [_compiler(), *usual, *sources, *flags, "-o", str(target)]
    click.echo(shlex.join(command), err=True)
    if subprocess.run(command, check=False).returncode:
        click.get_current_context().exit(_SYNTAX_ERROR)
    if links:
        click.echo(f"looped run {shlex.quote(str(target))}")


def _compiler() -> str:
    """The compiler that is installed, with its C library. Raises FileError if one is missing."""
    compiler = next((name for name in _COMPILERS if shutil.which(name)), None)
    if compiler is None:
        raise FileError(f"{_COMPILERS[0]} is not installed", hint=_INSTALL)
    found = subprocess.run(
        [compiler, f"-print-file-name={_SPECS}"], capture_output=True, text=True, check=False
    )
    if found.stdout.strip() in ("", _SPECS):  # the name alone: there is no such file
        raise FileError(f"{compiler} does not find the C library picolibc", hint=_INSTALL)
    return compiler


def _layout(code: int, ram: int) -> list[str]:
    """Flags for a program in one region: code, then RAM with the stack at its end."""
    sizes = {
        "__flash": _START,
        "__flash_size": code << 10,
        "__ram": _START + (code << 10),
        "__ram_size": ram << 10,
        "__stack_size": _STACK << 10,
    }
    return [f"-Wl,--defsym={name}={value:#x}" for name, value in sizes.items()]
