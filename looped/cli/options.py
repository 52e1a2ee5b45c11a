"""Options that several commands share: machine, engine, JSON; and how they open programs."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from looped import api, registry
from looped.artefact.checkpoint import load_machine
from looped.artefact.plan import CompiledMachine
from looped.errors import CompileError, FileError
from looped.image import Image
from looped.precision import PRECISIONS

__all__ = [
    "COMPILED",
    "check_engine",
    "engine_options",
    "json_option",
    "machine_options",
    "open_both",
    "open_program",
    "open_source",
    "open_target",
]

COMPILED = ".safetensors"

F = TypeVar("F", bound=Callable[..., Any])


def machine_options(command: F) -> F:
    """--machine, --width and --memory."""
    for option in (
        click.option(
            "--memory",
            type=int,
            metavar="WORDS",
            help="Words of memory, a power of two. By default, the fewest that hold the program; "
            f"without a program {api.DEFAULT_MEMORY:,}, or as many as the width allows.",
        ),
        click.option("--width", type=int, metavar="BITS", help="Bits of a word: 8, 16 or 32."),
        click.option(
            "--machine",
            metavar="NAME",
            help=f"One of: {', '.join(registry.names())}. By default, as the program says.",
        ),
    ):
        command = option(command)
    return command


def engine_options(default: str) -> Callable[[F], F]:
    """--engine, with its default, --dtype, --uncertified, --device and --verbose."""

    def add(command: F) -> F:
        for option in (
            click.option("-v", "--verbose", is_flag=True, help="Print the engine on stderr."),
            click.option("--device", default="cpu", metavar="NAME", help="cpu, cuda, cuda:1, …"),
            click.option(
                "--uncertified",
                is_flag=True,
                help="Run on the dense engine even if the machine is not certified in the dtype.",
            ),
            click.option(
                "--dtype",
                default="float32",
                type=click.Choice(list(PRECISIONS)),
                help="Number format of the transformer; looped compiles a source for it.",
            ),
            click.option(
                "--engine",
                default=default,
                show_default=True,
                type=click.Choice(["auto", *api.ENGINES]),
                help="What executes the weights. lifted: machine code made from them; event: only "
                "columns that change; dense: all columns; auto: the first one that accepts the "
                "model. Loops that an engine cannot certify fall back to dense and are counted.",
            ),
        ):
            command = option(command)
        return command

    return add


def check_engine(engine: str, uncertified: bool) -> None:
    """Refuse --uncertified with an engine that runs only what is exact."""
    if uncertified and engine not in ("auto", "dense"):
        raise click.UsageError(
            f"--uncertified is for --engine dense: {engine} runs only what is exact in the dtype."
        )


def json_option(command: F) -> F:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(command)


def open_source(path: Path, machine: str | None, width: int | None) -> Image:
    """The program in a source or an image. Raises FileError for a compiled file."""
    if path.suffix == COMPILED:
        raise FileError(
            f"{path} is already compiled", hint="this command needs a source or an image"
        )
    if str(path) in registry.names() and not path.exists():
        raise FileError(f"{path} is a machine: this command needs a program")
    return api.assemble(path, machine, width)


def open_program(
    path: Path,
    machine: str | None,
    width: int | None,
    memory: int | None,
    dtype: str = "float32",
) -> tuple[CompiledMachine, Image]:
    """A program and the machine for it; a source or an image is compiled for `dtype`."""
    if path.suffix != COMPILED:
        image = open_source(path, machine, width)
        return api.compile(image, memory, dtype=dtype), image
    compiled, program = _open_compiled(path, machine, width, memory)
    if program is None:
        raise CompileError(f"{path} holds a machine without a program: there is nothing to run")
    return compiled, program


def open_target(
    target: str, machine: str | None, width: int | None, memory: int | None
) -> CompiledMachine:
    """The machine with that name, or the machine for the program in that file."""
    return open_both(target, machine, width, memory)[0]


def open_both(
    target: str,
    machine: str | None,
    width: int | None,
    memory: int | None,
    dtype: str = "float32",
) -> tuple[CompiledMachine, Image | None]:
    """A machine given by name, without a program, or the program in a file and its machine.

    A source or an image is compiled for `dtype`.
    """
    path = Path(target)
    if target in registry.names():
        if machine not in (None, target):
            raise click.UsageError(f"{target} is a machine, and --machine names another.")
        return api.compile_machine(target, width, memory, dtype), None
    if path.suffix == COMPILED:
        return _open_compiled(path, machine, width, memory)
    try:
        return open_program(path, machine, width, memory, dtype)
    except FileError as error:
        if target.isidentifier():  # a misspelt machine
            near = difflib.get_close_matches(target, registry.names(), 1)
            known = f"machines: {', '.join(registry.names())}"
            hint = f"did you mean `{near[0]}`? {known}" if near else known
            raise FileError(str(error), hint=hint) from None
        raise


def _open_compiled(
    path: Path, machine: str | None, width: int | None, memory: int | None
) -> tuple[CompiledMachine, Image | None]:
    compiled, program = load_machine(path)
    plan = compiled.plan
    if plan.machine not in registry.names():
        raise FileError(f"{path} is for an unknown machine, `{plan.machine[:40]}`")
    for option, asked, found in (
        ("--machine", machine, plan.machine),
        ("--width", width, plan.width),
        ("--memory", memory, plan.memory),
    ):
        if asked is not None and asked != found:
            raise click.UsageError(f"{path} is compiled with {option} {found}, not {asked}.")
    return compiled, program
