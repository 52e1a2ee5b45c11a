"""Computer: a batch of programs on an engine, loop by loop or in stretches.

Between two loops it looks at the CPU column and serves the ports that the machine declares
(`Plan.ports`): the panel serves input and output, a host of its own each program that has trapped
(`looped/devices/host.py`); such a host may also look at a word of memory now and then. A machine
that takes several loops for an instruction raises `busy` in all of them but the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import embed, memory_words, read_word
from looped.artefact.plan import Plan
from looped.devices.host import POLL_INTERVAL, ByteSource, ColumnPort, Host
from looped.engines.engine import NO_LANES, Engine, Floats, Watch
from looped.errors import CompileError
from looped.run.panel import Panel

__all__ = ["PC_UNKNOWN", "Computer", "Event", "Snapshot"]

PC_UNKNOWN = -1
"""The program counter of an instruction that was not looked at before it ran."""


@dataclass(frozen=True, slots=True)
class Event:
    """What one loop did to one program, seen from outside.

    `retired` is False if the machine had halted before, was waiting for input, or is `busy` with an
    instruction that takes another loop. `consumed` is the word taken from the input column,
    `emitted` the byte written by the machine, `written` the bytes written by a host for a machine
    that had trapped. `pc` is PC_UNKNOWN if the loops before were done in one go. `cause` is that
    of a trap, None without one; `served` are the words of memory and registers that the host has
    set, (column, value).
    """

    retired: bool
    pc: int
    next_pc: int
    consumed: int | None = None
    emitted: int | None = None
    waiting: bool = False
    busy: bool = False
    written: bytes = b""
    cause: int | None = None
    served: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """A program between two loops, on any engine.

    `state` is the residual stream, (columns, d_model), True for +1. The last `pending_loops` loops
    have been run, but the host has not served them yet; `loops` counts those in which
    the machine was not busy. `position` is that in an input of bytes, `input_word` the word in the
    input column; `host` is the state of the host, if there is one.
    """

    state: npt.NDArray[np.bool_]
    pending_loops: int
    loops: int
    halted: bool
    position: int
    input_word: int | None
    pc: int
    host: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Service:
    """What a host has done: the next program counter, the bytes that it has written, the cause of
    the trap, and the words that it has set."""

    next_pc: int
    written: bytes = b""
    cause: int | None = None
    changes: tuple[tuple[int, int], ...] = ()


class Computer:
    """A batch of programs on an engine, each with its own input.

    An input is either `bytes`, always at hand, or a binary stream, of which one byte at a time is
    read (which may block) when the program waits for it. `entries` are the program counters to
    begin with, 0 if left out; `hosts` serve machines that trap.
    """

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        programs: Sequence[Sequence[int]],
        inputs: Sequence[bytes | ByteSource],
        entries: Sequence[int] | None = None,
        hosts: Sequence[Host | None] | None = None,
    ) -> None:
        self.plan = plan
        self.engine = engine
        self.panel = Panel(plan, engine, inputs)
        self.hosts = list(hosts or [None] * len(inputs))
        self.pcs = list(entries or [0] * len(inputs))
        self._pc = np.array(plan.words["pc"], np.intp)
        self._value = np.array(plan.words["value"], np.intp)
        self._halt = NO_LANES if plan.halted is None else np.array([plan.halted])
        self._busy = NO_LANES if plan.busy is None else np.array([plan.busy])
        parts = [self._halt, self._busy, self._pc, self.panel.lanes]
        self._watched = np.concatenate(parts)
        self._ends = np.cumsum([len(part) for part in parts[:-1]])
        stops = np.concatenate([self._halt, self.panel.stops])
        self._watch = Watch(plan.cpu, stops, self._busy)
        starts = zip(programs, self.pcs, strict=True)
        engine.load(np.stack([embed(words, plan, entry) for words, entry in starts]))
        self._halted = [False] * len(inputs)
        self._pending_loops = 0
        self._poll_addresses = [host.poll_address if host else None for host in self.hosts]
        self._loops = [0] * len(inputs)
        self.panel.begin()

    def halted(self, stream: int = 0) -> bool:
        """Whether a program has halted: no loop will change anything any more."""
        return self._halted[stream] and not self._pending_loops

    def step(self) -> list[Event]:
        """One loop; returns what happened to each program."""
        halted = self._halted
        self.engine.step()
        for stream, busy in enumerate(self._busies()):
            self._loops[stream] += not busy
        return self._look(halted)

    def advance(self, loops: int) -> tuple[int, Event]:
        """Up to `loops` loops of the only program, which has not halted, in one go.

        Loops of a busy machine are not counted. It stops after a loop in which there is something
        for the host to do. Returns the number of loops before the last one, each of which retired
        an instruction, and the last one's event. If waiting for input is ended by an exception, the
        next call begins with what was left to do for the host, and its loops are those of the call
        before; see `count_pending`.
        """
        if self._pending_loops == 0:
            if self._poll_addresses[0] is not None:
                loops = min(loops, POLL_INTERVAL - self._loops[0] % POLL_INTERVAL)
            self._pending_loops = self.engine.advance(loops, self._watch)
            self._loops[0] += self._pending_loops
        event = self._look([False])[0]
        done, self._pending_loops = self._pending_loops, 0
        return done - 1, event if done == 1 else replace(event, pc=PC_UNKNOWN)

    def count_pending(self) -> int:
        """After waiting was ended by an exception: the loops before the one that waits.

        Each of them retired an instruction. They count no second time in the next `advance`, whose
        only loop is the one that waits. That machine stands at the instruction which it waits for.
        """
        done = max(0, self._pending_loops - 1)
        if done:
            self._pending_loops, self.pcs[0] = 1, self.pc()
        return done

    def pc(self, stream: int = 0) -> int:
        """The program counter of a program as it stands in the residual stream."""
        return int(read_word(self.engine.read(self.plan.cpu, self._pc)[stream]))

    def _look(self, halted: Sequence[bool]) -> list[Event]:
        """What the last loop did to each program, and what the host does about it."""
        seen = self.engine.read(self.plan.cpu, self._watched)
        self._halted = [bool(row.any()) for row in seen[:, : len(self._halt)] > 0]
        return [self._event(stream, row, halted[stream]) for stream, row in enumerate(seen)]

    def _event(self, stream: int, seen: Floats, halted: bool) -> Event:
        """What the last loop did to one program, by the lanes that are watched."""
        _, busy_lanes, pc, ports = np.split(seen, self._ends)
        busy, signals = bool((busy_lanes > 0).any()), self.panel.signals(ports)
        service = _Service(int(read_word(pc)))
        if not halted and (self._halted[stream] or self._has_mail(stream)):
            service = self._served(stream, service.next_pc)
        event = Event(
            retired=not (halted or signals.waiting or busy),
            pc=self.pcs[stream],
            next_pc=service.next_pc,
            consumed=self.panel.words[stream] if signals.taken else None,
            emitted=signals.emitted,
            waiting=signals.waiting,
            busy=busy,
            written=service.written,
            cause=service.cause,
            served=service.changes,
        )
        self.pcs[stream] = service.next_pc
        self.panel.serve(stream, signals)
        return event

    def memory(self) -> npt.NDArray[np.int64 | np.uint64]:
        """The memory of every program, (batch, memory)."""
        return memory_words(self.state(), self.plan)

    def state(self) -> npt.NDArray[np.float64]:
        """The residual streams, (batch, columns, d_model)."""
        return self.engine.state()

    def snapshot(self) -> Snapshot:
        """All that the only program needs to continue, but its input. Raises CompileError for a
        residual stream that has left ±1, as happens in a dtype that is not certified."""
        state = self.state()[0]
        if not bool((np.abs(state) == 1).all()):
            raise CompileError("the residual stream is not ±1 any more: the dtype is not exact")
        host = self.hosts[0]
        return Snapshot(
            state=state > 0,
            pending_loops=self._pending_loops,
            loops=self._loops[0],
            halted=self._halted[0],
            position=self.panel.positions[0],
            input_word=self.panel.words[0],
            pc=self.pcs[0],
            host=None if host is None else host.snapshot(),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Continue the only program from there. Raises ValueError if it is none of this machine,
        KeyError or TypeError if it is none of this host."""
        shape = (self.plan.columns, self.plan.d_model)
        if snapshot.state.shape != shape:
            raise ValueError(f"the state is {snapshot.state.shape}, and the machine's is {shape}")
        self.engine.load(np.where(snapshot.state, 1, -1).astype(np.int8)[None])
        self._pending_loops, self._loops = snapshot.pending_loops, [snapshot.loops]
        self._halted = [snapshot.halted]
        self.panel.positions, self.panel.words = [snapshot.position], [snapshot.input_word]
        self.pcs = [snapshot.pc]
        for host in self.hosts:
            if host is not None:
                host.restore(snapshot.host or {})

    def _busies(self) -> list[bool]:
        """Which programs have an instruction that takes another loop."""
        lanes = self.engine.read(self.plan.cpu, self._busy)
        return [bool(row.any()) for row in lanes > 0]

    def _has_mail(self, stream: int) -> bool:
        """Whether it is time for the host to look at its word, and something is in it."""
        poll_address = self._poll_addresses[stream]
        if poll_address is None or self._loops[stream] % POLL_INTERVAL:
            return False
        return bool((self.engine.read(poll_address, self._value)[stream] > 0).any())

    def _served(self, stream: int, pc: int) -> _Service:
        """Let the host, if there is one, serve a machine that asks for it."""
        port = ColumnPort(self.plan, self.engine, stream)
        trap = self.plan.ports.trap
        cause = port.cpu(trap.cause) if trap is not None and port.cpu(trap.trap) == 1 else None
        host = self.hosts[stream]
        if host is None:
            return _Service(pc, cause=cause)
        written = host.serve(port)
        halt = self.engine.read(self.plan.cpu, self._halt)[stream]
        self._halted[stream] = bool((halt > 0).any())
        return _Service(self.pc(stream), written, cause, tuple(port.changes))
