"""Lifting: a process that lifts a model beside the run.

A thread would take turns with the run, which is Python as well. The process is forked, so it has
the model already. It sends the program through a pipe, and keeps it in the cache. If the run ends
before that, the process continues for the few seconds that it takes, at low priority, so that the
next run finds the program in the cache. Without a cache it ends with the run.
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
from collections.abc import Callable

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
"""The first byte that the process sends: what follows."""

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

        def lift() -> Program:
            return Programs(model, unchecked, kept, rare=rare_lanes(machine.plan)).find(x, host)

        self._lift = lift
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

    def program(self) -> Program:
        """The program. Raises CompileError if the model cannot be lifted."""
        if self._reader is None:
            return self._lift()
        content = bytearray()
        while part := os.read(self._reader, 1 << 20):
            content += part
        self._stop()
        self._reader = None
        if content[:1] == _REFUSED:
            raise CompileError(content[1:].decode())
        found = unpacked(bytes(content[1:])) if content[:1] == _PROGRAM else None
        return self._lift() if found is None else found

    def _fork(self) -> None:
        self._reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(self._reader)  # else nothing tells it that the run has ended
            _work(self._lift, writer, self._kept.writable)
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


def _work(lift: Callable[[], Program], writer: int, finishes: bool) -> None:
    """The process: send the program, and exit without any of the work that is the run's at exit."""
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
            content = _PROGRAM + packed(lift())
        except CompileError as error:
            content = _REFUSED + str(error).encode()
        while content:
            content = content[os.write(writer, content) :]
    finally:
        os._exit(0)
