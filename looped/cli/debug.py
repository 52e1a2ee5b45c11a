"""debug: run a program under the debugger, on the terminal or for gdb."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from looped import api
from looped.cli.options import (
    Wanted,
    check_engine,
    engine_options,
    machine_options,
    open_program,
)
from looped.cli.progress import progress, reporter
from looped.debug.debugger import Debugger
from looped.debug.gdb.server import Server, listen
from looped.debug.terminal.console import Console
from looped.debug.terminal.monitor import Monitor
from looped.debug.terminal.prompt import prompt
from looped.debug.terminal.screen import Screen
from looped.debug.timeline import Timeline
from looped.errors import CompileError, FileError, SourceError
from looped.files import read_bytes
from looped.lang.sources import read_source
from looped.registry import machine as registered

__all__ = ["debug"]

_PATH = click.Path(path_type=Path, readable=False)
_LARGEST_INPUT = 1 << 26
"""The most bytes of a file that is a program's input."""

_HELP = """Debug PROGRAM (source, image or compiled file), forwards and backwards.

Commands have gdb's names: break, watch, step, next, finish, continue, print, x, info registers,
reverse-step, reverse-continue. `help` lists them. stdin is for commands: the program's input comes
from --input.

`--gdb :PORT` waits for gdb instead (RISC-V programs only), on this computer alone unless a host is
named. In gdb: `target remote :PORT`.

\b
Examples:
  looped debug programs/subleq/sieve.sasm
  looped debug PROGRAM --command script.gdb
  looped debug PROGRAM.elf --gdb :1234
"""


@click.command(help=_HELP)
@click.argument("program", type=_PATH)
@machine_options
@engine_options("auto")
@click.option("--input", "source", type=_PATH, metavar="FILE", help="The program's input.")
@click.option("--command", type=_PATH, metavar="FILE", help="Execute the commands in a file.")
@click.option("--gdb", metavar="[HOST]:PORT", help="Wait for gdb at this address.")
def debug(
    program: Path,
    wanted: Wanted,
    engine: str,
    dtype: str,
    uncertified: bool,
    device: str,
    verbose: bool,
    source: Path | None,
    command: Path | None,
    gdb: str | None,
) -> None:
    """Debug PROGRAM (source, image or compiled file) on the transformer."""
    check_engine(engine, uncertified)
    if gdb is not None and command is not None:
        raise click.UsageError("--command is for the terminal, --gdb for gdb.")
    address = None if gdb is None else _address(gdb)
    lines = None if command is None else read_source(command).text.splitlines()
    content = b"" if source is None else read_bytes(source, _LARGEST_INPUT)
    with progress("debug") as line:
        compiled, image = open_program(program, wanted, dtype, engine)
        if address is not None and not registered(image.machine).runs_elf:
            raise CompileError(f"gdb knows no {image.machine}", hint="debug it without --gdb")
        chosen = api.choose_engine(
            compiled, engine, dtype, device, reporter(verbose, line), uncertified
        )
        terminal = Terminal()
        timeline = Timeline(compiled, image, chosen, io.BytesIO(content), terminal.show)
        chosen.prepare(line.note)
    if address is not None:
        _serve(timeline, *address)
        return
    interrupts = Interrupts()
    screen = Screen(Debugger(timeline, interrupts.came), terminal.say)
    console = Console(screen, interrupts.noted)
    screen.where()
    if lines is not None and not console.execute_all(lines):
        raise click.exceptions.Exit(SourceError.exit_code)
    if lines is None:
        prompt(console)


class Terminal:
    """Prints what the program writes, and what the debugger says: that begins a line of its own."""

    def __init__(self) -> None:
        self._in_line = False

    def show(self, content: bytes) -> None:
        """Print output of the program."""
        self.write(content)
        self._in_line = not content.endswith(b"\n")

    def say(self, text: str) -> None:
        """Print lines of the debugger."""
        self.begin_line()
        self.write(text.encode() + b"\n")

    def begin_line(self) -> None:
        """End a line that the program has begun."""
        if self._in_line:
            self.write(b"\n")
        self._in_line = False

    def write(self, content: bytes) -> None:
        """Write bytes to stdout."""
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 0xFFFF:
        raise click.BadParameter(f"`{text}` is not HOST:PORT.", param_hint="--gdb")
    return host or "127.0.0.1", int(port)


def _serve(timeline: Timeline, host: str, port: int) -> None:
    """Serve one gdb after another until one of them kills the program."""
    debugger = Debugger(timeline)
    server = Server(debugger, Monitor(debugger).execute)
    ended = announced = False
    while not ended:
        try:
            waiting = listen(host, port)
        except OSError as error:
            raise FileError(f"cannot listen at {host}:{port}: {error.strerror or error}") from None
        with waiting:
            host, port = waiting.getsockname()[:2]
            if not announced:
                click.echo(f"waiting for gdb: target remote {host}:{port}", err=True)
            announced = True
            link, _ = waiting.accept()
        with link:
            ended = server.serve(link)


class Interrupts:
    """Ctrl-C stops a run of the debugger; at the prompt it does what it always does."""

    def __init__(self) -> None:
        self._came = False

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note the signal within this context, and do not raise KeyboardInterrupt."""
        self._came = False
        before = signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def came(self) -> bool:
        """Whether Ctrl-C came since the last look; forgets it."""
        came, self._came = self._came, False
        return came

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = True
