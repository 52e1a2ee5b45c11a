"""Lifting: a process that lifts a model beside the run.

A thread would take turns with the run, which is Python as well. The process is forked, so it has
the model already. It sends the program through a pipe, and keeps it in the cache; a program that
takes long to make comes after a slower one. If the run ends before that, the process continues for
the few seconds that it takes, at low priority, so that the next run finds the program in the cache.
Without a cache it ends with the run.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import threading
import weakref
from collections.abc import Callable, Iterator

from looped.analysis import Model
from looped.artefact.plan import CompiledMachine
from looped.artefact.residual import Residual
from looped.engines.host_lanes import HostLanes
from looped.engines.lifted.kept import Kept, packed, unpacked
from looped.engines.lifted.program import Program
from looped.engines.lifted.programs import Programs, rare_lanes, unchecked
from looped.errors import CompileError

__all__ = ["Lifting"]

_PROGRAM, _REFUSED = b"p", b"r"
"""The first byte of a message of the process: what follows, after its length."""

_LENGTH = 8
"""Bytes of the length of a message."""

_LOW = 15
"""The priority of a process that works for the next run."""

_MOST_SECONDS = 600
"""A bound on what it takes, whatever happens; the largest machines take half a minute."""

_PARENT_DEATH = 1
"""PR_SET_PDEATHSIG of Linux."""


class Lifting:
    """Lifts a model for a stream `x` whose host has set the lanes `host`.

    That takes place in a process of its own, or, if there is only one processor or this process has
    several threads, in `ready`.
    """

    def __init__(
        self,
        machine: CompiledMachine,
        dtype: str,
        uncertified: bool,
        model: Callable[[], Model],
        x: Residual,
        host: HostLanes,
    ) -> None:
        kept = Kept(machine, dtype, uncertified)

        def stages() -> Iterator[Program]:
            found = Programs(model, unchecked, kept, rare=rare_lanes(machine.plan))
            return found.stages(x, host)

        self._stages = stages
        self._reader: int | None = None
        self._kept = kept
        self._stop: Callable[[], object] = lambda: None
        if len(os.sched_getaffinity(0)) > 1 and threading.active_count() == 1:
            self._fork()

    def ready(self, timeout: float | None) -> bool:
        """Whether `program` answers at once; waits for that until the timeout, in seconds."""
        if self._reader is None:
            return True
        return bool(select.select([self._reader], [], [], timeout)[0])

    @property
    def continues(self) -> bool:
        """Whether `program` may find another, better one."""
        return self._reader is not None

    def program(self) -> Program:
        """The next program. Raises CompileError if the model cannot be lifted."""
        found = self.another()
        if found is None:
            *_, found = self._stages()
        return found

    def another(self) -> Program | None:
        """The next program; None if the process has sent all. Raises CompileError."""
        if self._reader is None:
            return None
        kind = self._read(1)
        content = self._read(int.from_bytes(self._read(_LENGTH), "little"))
        found = unpacked(content) if kind == _PROGRAM else None
        if found is None:
            self._stop()
            self._reader = None
        if kind == _REFUSED:
            raise CompileError(content.decode())
        return found

    def _read(self, count: int) -> bytes:
        """The next bytes from the process, fewer at the end."""
        assert self._reader is not None
        content = bytearray()
        while part := os.read(self._reader, min(count - len(content), 1 << 20)):
            content += part
        return bytes(content)

    def _fork(self) -> None:
        self._reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(self._reader)  # else nothing tells it that the run has ended
            _work(self._stages, writer, self._kept.writable)
        os.close(writer)
        self._stop = weakref.finalize(
            self, _end, os.getpid(), child, self._reader, self._kept.writable
        )


def _end(owner: int, child: int, reader: int, finishes: bool) -> None:
    """The run needs the process no more, which `finishes` its work or ends at once.

    Only the process that started it may say so.
    """
    if os.getpid() != owner:
        return
    os.close(reader)
    with contextlib.suppress(OSError):
        if finishes:
            os.setpriority(os.PRIO_PROCESS, child, _LOW)
        else:
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, os.WNOHANG if finishes else 0)


def _work(stages: Callable[[], Iterator[Program]], writer: int, finishes: bool) -> None:
    """The process: send the programs, and exit without the work that is the run's at exit."""
    try:
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # the run decides what they mean
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CPU, (_MOST_SECONDS, _MOST_SECONDS))
        with contextlib.suppress(OSError, AttributeError):
            if not finishes:
                ctypes.CDLL(None).prctl(_PARENT_DEATH, signal.SIGKILL)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):  # so that nobody waits for this process to close them
            os.dup2(nowhere, stream)
        try:
            for program in stages():
                with contextlib.suppress(BrokenPipeError):  # the next run needs the last one
                    _send(writer, _PROGRAM, packed(program))
        except CompileError as error:
            _send(writer, _REFUSED, str(error).encode())
    finally:
        os._exit(0)


def _send(writer: int, kind: bytes, content: bytes) -> None:
    message = kind + len(content).to_bytes(_LENGTH, "little") + content
    while message:
        message = message[os.write(writer, message) :]
