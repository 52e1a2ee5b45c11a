"""Options that several commands share: machine, engine, JSON; and how they open programs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from looped import api, registry
from looped.artefact.architecture import PLAIN, Architecture
from looped.artefact.checkpoint import load_machine
from looped.artefact.plan import CompiledMachine
from looped.cli.architectures import architecture_options
from looped.cli.dialects import dialect_option, parameters_of
from looped.cli.wanted import Wanted
from looped.environment import Environment
from looped.errors import CompileError, FileError
from looped.image import Image
from looped.precision import PRECISIONS

__all__ = [
    "COMPILED",
    "Wanted",
    "check_engine",
    "engine_options",
    "environment_options",
    "json_option",
    "machine_options",
    "open_both",
    "open_program",
    "open_source",
    "open_target",
    "parameter_option",
    "source_options",
    "window_option",
]

COMPILED = ".safetensors"

F = TypeVar("F", bound=Callable[..., Any])


def machine_options(command: F) -> F:
    """--machine, --width, --set, --memory, --workers and the options of an architecture, which the
    command gets as one `wanted`."""
    workers = click.option(
        "--workers",
        type=int,
        metavar="N",
        help="How many workers share the elements of a result, a power of two; the weights are the "
        "same for any number. By default 1, or as in the compiled file.",
    )
    memory = click.option(
        "--memory",
        type=int,
        metavar="WORDS",
        help="Words of memory, a power of two. By default, the fewest that hold the program, with "
        "64 KiB more for RISC-V sources and 1 MiB for ELF files, except on the dense engine; "
        f"without a program {api.DEFAULT_MEMORY:,}, or as many as the width allows.",
    )
    return architecture_options(source_options(memory(workers(command))))


def source_options(command: F) -> F:
    """--machine, --width and --set, which the command gets as one `wanted`."""

    @wraps(command)
    def gathered(
        machine: str | None,
        width: int | None,
        parameters: Mapping[str, int],
        dialect: str | None = None,
        memory: int | None = None,
        workers: int | None = None,
        architecture: Architecture = PLAIN,
        beta: float | None = None,
        **rest: Any,
    ) -> Any:
        named = tuple({**parameters, **parameters_of(machine, dialect)}.items())
        wanted = Wanted(machine, width, memory, named, workers, architecture, beta)
        return command(wanted=wanted, **rest)

    for option in (
        parameter_option,
        dialect_option,
        click.option("--width", type=int, metavar="BITS", help="Bits of a word: 8, 16 or 32."),
        click.option(
            "--machine",
            metavar="NAME",
            help=f"One of: {', '.join(registry.names())}. By default, as the program says.",
        ),
    ):
        gathered = option(gathered)
    return cast(F, gathered)


window_option = click.option(
    "--window",
    is_flag=True,
    help="A causal machine with a sliding window, a MistralForCausalLM: its runs have no end.",
)
"""--window, for the commands that make a causal machine."""


def parameter_option(command: F) -> F:
    """--set, which the command gets as a dictionary of `parameters`."""
    option = click.option(
        "--set",
        "parameters",
        multiple=True,
        metavar="NAME=NUMBER",
        callback=lambda ctx, option, given: dict(map(_parameter, given)),
        cls=_ParameterOption,
    )
    return option(command)


class _ParameterOption(click.Option):
    """The option --set: its help, when it is shown, asks all machines for their parameters."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option and its help."""
        self.help = _parameter_help()
        return super().get_help_record(ctx)


def _parameter(text: str) -> tuple[str, int]:
    """NAME=NUMBER as a pair. Raises BadParameter for any other text."""
    found = re.fullmatch(r"([a-z_]{1,40})=([0-9]{1,10}|0x[0-9a-fA-F]{1,8})", text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not NAME=NUMBER, as in side=4.")
    return found[1], int(found[2], 0)


def _parameter_help() -> str:
    """Which parameters there are."""
    machines = (registry.machine(name) for name in registry.names())
    known = [
        f"{m.name} has " + " and ".join(f"{p.name} ({p.meaning})" for p in m.parameters)
        for m in machines
        if m.parameters
    ]
    return f"A parameter of the machine; repeat it for others. {'; '.join(known)}."


def engine_options(default: str | None, otherwise: str = "") -> Callable[[F], F]:
    """--engine, with its default, --dtype, --uncertified, --device and --verbose.

    Without a default the command gets None, and the help says what is used `otherwise`.
    """

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
                show_default=otherwise or True,
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


def environment_options(command: F) -> F:
    """--misaligned, --files and, for one program, ARGUMENTS: the command gets an `environment`."""

    @wraps(command)
    def gathered(
        misaligned: str, files: Path | None, arguments: tuple[str, ...] = (), **rest: Any
    ) -> Any:
        around = Environment(misaligned == "emulate", _folder(files), arguments)
        return command(environment=around, **rest)

    emulation = click.option(
        "--misaligned",
        type=click.Choice(["trap", "emulate"]),
        default="emulate",
        show_default=True,
        help="RISC-V loads and stores at addresses that are not a multiple of their size: the host "
        "executes them, or they trap.",
    )
    folder = click.option(
        "--files",
        type=click.Path(path_type=Path, readable=False),
        metavar="FOLDER",
        help="Let a RISC-V program open, make, rename and remove files in this folder. By default "
        "it can open none; it never reaches other files.",
    )
    return cast(F, emulation(folder(gathered)))


def _folder(files: Path | None) -> Path | None:
    """The folder of --files. Raises FileError if it is none."""
    if files is not None and not files.is_dir():
        raise FileError(f"{files} is not a folder", hint="--files takes an existing folder")
    return files


def json_option(command: F) -> F:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(command)


def open_source(path: Path, wanted: Wanted) -> Image:
    """The program in a source or an image. Raises FileError for a compiled file."""
    if path.suffix == COMPILED:
        raise FileError(
            f"{path} is already compiled", hint="this command needs a source or an image"
        )
    if str(path) in registry.names() and not path.exists():
        raise FileError(f"{path} is a machine: this command needs a program")
    return api.assemble(path, wanted.machine, wanted.width, dict(wanted.parameters))


def open_program(
    path: Path,
    wanted: Wanted,
    dtype: str = "float32",
    engine: str = "dense",
    note: Callable[[str], None] = lambda text: None,
) -> tuple[CompiledMachine, Image]:
    """A program and the machine for it; a source or an image is compiled for `dtype`.

    By default memory is as small as possible for the dense engine, which computes with all words in
    each loop, and has room for a heap and a stack for any other.
    """
    if path.suffix != COMPILED:
        image = open_source(path, wanted)
        memory = wanted.memory
        if memory is None and engine != "dense":
            memory = api.usual_memory(image)
        return wanted.counted(wanted.compiled(image, memory, dtype=dtype, note=note)), image
    compiled, program = _open_compiled(path, wanted)
    if program is None:
        raise CompileError(f"{path} holds a machine without a program: there is nothing to run")
    return compiled, program


def open_target(target: str, wanted: Wanted) -> CompiledMachine:
    """The machine with that name, or the machine for the program in that file."""
    return open_both(target, wanted)[0]


def open_both(
    target: str, wanted: Wanted, dtype: str = "float32"
) -> tuple[CompiledMachine, Image | None]:
    """A machine given by name, without a program, or the program in a file and its machine.

    A source or an image is compiled for `dtype`.
    """
    path = Path(target)
    if target in registry.names():
        if wanted.machine not in (None, target):
            raise click.UsageError(f"{target} is a machine, and --machine names another.")
        parameters = dict(wanted.parameters)
        machine = api.compile_machine(
            target, wanted.width, wanted.memory, dtype, parameters, wanted.beta, wanted.architecture
        )
        return wanted.counted(machine), None
    if path.suffix == COMPILED:
        return _open_compiled(path, wanted)
    try:
        return open_program(path, wanted, dtype)
    except FileError as error:
        if target.isidentifier():  # a misspelt machine
            near = difflib.get_close_matches(target, registry.names(), 1)
            known = f"machines: {', '.join(registry.names())}"
            hint = f"did you mean `{near[0]}`? {known}" if near else known
            raise FileError(str(error), hint=hint) from None
        raise


def _open_compiled(path: Path, wanted: Wanted) -> tuple[CompiledMachine, Image | None]:
    compiled, program = load_machine(path)
    plan = compiled.plan
    if plan.machine not in registry.names():
        raise FileError(f"{path} is for an unknown machine, `{plan.machine[:40]}`")
    for option, asked, found in (
        ("--machine", wanted.machine, plan.machine),
        ("--width", wanted.width, plan.width),
        ("--memory", wanted.memory, plan.memory),
    ):
        if asked is not None and asked != found:
            raise click.UsageError(f"{path} is compiled with {option} {found}, not {asked}.")
    for name, value in wanted.parameters:
        if plan.parameters.get(name) != value:
            own = plan.parameters.get(name)
            made = "without" if own is None else f"with --set {name}={own}, not"
            raise click.UsageError(f"{path} is compiled {made} --set {name}={value}.")
    if wanted.beta is not None:
        raise click.UsageError(f"{path} is already compiled: --beta is for sources.")
    if wanted.architecture not in (PLAIN, plan.architecture):
        made = plan.architecture.options or "the plain architecture"
        raise click.UsageError(
            f"{path} is compiled with {made}, not {wanted.architecture.options}."
        )
    return wanted.counted(compiled), program
