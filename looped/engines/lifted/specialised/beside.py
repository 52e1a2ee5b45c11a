"""Beside: a builder in a process of its own, so that the run goes on while LLVM compiles.

The process is forked, so it has the code already. It gets looks and sends answers through pipes,
one after the other, and ends with the run or when the run closes the pipes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import select
import signal
import threading
import weakref
from typing import BinaryIO, Protocol

from looped.engines.lifted.specialised.builder import Answer, Builder, Look

__all__ = ["Beside", "Inside", "Worker", "worker"]

_PARENT_DEATH = 1
"""PR_SET_PDEATHSIG of Linux."""


class Worker(Protocol):
    """Answers looks. There is one look at a time: the next one comes after the answer."""

    def ask(self, look: Look) -> None:
        """Begin with a look."""

    def answer(self) -> Answer | None:
        """The answer, as soon as it is there; after that None again."""


class Inside:
    """A builder in this process: its answers are there at once."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._answer: Answer | None = None

    def ask(self, look: Look) -> None:
        """Answer a look."""
        self._answer = self.builder.answer(look)

    def answer(self) -> Answer | None:
        """The answer to the last look."""
        found, self._answer = self._answer, None
        return found


class Beside:
    """A builder in a process of its own. After a fork, only the parent gets answers from it."""

    def __init__(self, builder: Builder) -> None:
        looks, self._looks = os.pipe()
        self._answers, answers = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(self._looks)
            os.close(self._answers)
            _work(builder, looks, answers)
        os.close(looks)
        os.close(answers)
        self._owner = os.getpid()
        weakref.finalize(self, _end, self._owner, child, self._looks, self._answers)
        self._busy = False

    def ask(self, look: Look) -> None:
        """Send a look. The process reads it at once, for it has answered the one before."""
        self._busy = True
        if os.getpid() == self._owner:
            with contextlib.suppress(BrokenPipeError), os.fdopen(os.dup(self._looks), "wb") as pipe:
                pickle.dump(look, pipe, pickle.HIGHEST_PROTOCOL)

    def answer(self) -> Answer | None:
        """The answer, if it is there. A process that has died answers nothing, for ever."""
        if not self._busy or os.getpid() != self._owner:
            return None
        if not select.select([self._answers], [], [], 0)[0]:
            return None
        try:
            with os.fdopen(os.dup(self._answers), "rb") as pipe:
                found: Answer = pickle.load(pipe)
        except (EOFError, OSError, pickle.UnpicklingError):
            return None
        self._busy = False
        return found


def worker(builder: Builder, beside: bool) -> Worker:
    """A builder at work: beside the run, if it should be and there are processors for both.

    A process with several threads has it inside, because a fork has only one of them.
    """
    if beside and len(os.sched_getaffinity(0)) > 1 and threading.active_count() == 1:
        return Beside(builder)
    return Inside(builder)


def _end(owner: int, child: int, looks: int, answers: int) -> None:
    """The run needs the process no more. Only the process that started it may say so."""
    if os.getpid() != owner:
        return
    os.close(looks)
    os.close(answers)
    with contextlib.suppress(OSError):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _work(builder: Builder, looks: int, answers: int) -> None:
    """The process: answer looks until there are no more, and exit without any of the work that is
    the run's at exit."""
    try:
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # the run decides what they mean
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PARENT_DEATH, signal.SIGKILL)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):  # so that nobody waits for this process to close them
            os.dup2(nowhere, stream)
        with os.fdopen(looks, "rb") as given, os.fdopen(answers, "wb") as pipe:
            _answer_all(builder, given, pipe)
    finally:
        os._exit(0)


def _answer_all(builder: Builder, looks: BinaryIO, answers: BinaryIO) -> None:
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            pickle.dump(builder.answer(pickle.load(looks)), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
