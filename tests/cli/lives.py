"""A command in a forked process, which has imported everything, so that it can be killed often."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from looped.cli.main import cli
from looped.run.interrupts import End
from looped.run.session import Session

KILLED = -signal.SIGKILL


def _tell_when_it_runs(pipe: int) -> None:
    """Have a byte written when the program has been loaded and begins."""
    original = Session.run

    def run(self: Session, limit: int | None = None) -> End:
        os.write(pipe, b"!")
        return original(self, limit)

    Session.run = run


def begin(arguments: list[str], data: Path, output: int, sabotage: Callable[[], None]) -> int:
    """Run `looped` on a file as its input, with an open file for its output; the process's number.

    `sabotage` is called in the new process before the command begins.
    """
    child = os.fork()
    if child:
        return child
    try:
        os.dup2(os.open(data, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        signal.signal(signal.SIGINT, signal.default_int_handler)
        torch.set_num_threads(1)
        sabotage()
        cli.main(arguments)
    except SystemExit as error:
        os._exit(error.code)
    finally:
        os._exit(99)


def live(
    arguments: list[str],
    data: Path,
    output: int,
    seconds: float | None = None,
    number: int = signal.SIGKILL,
    sabotage: Callable[[], None] = lambda: None,
) -> int:
    """A whole life of a process; its exit code. It gets a signal so many seconds after the
    program has begun, however long loading takes."""
    reader, writer = os.pipe()

    def prepare() -> None:
        _tell_when_it_runs(writer)
        sabotage()

    child = begin(arguments, data, output, prepare)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def append(path: Path) -> int:
    """A file open for appending, as `>> path` opens it."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
