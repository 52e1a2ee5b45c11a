"""Computer: a batch of programs on an engine, loop by loop or in stretches.

Between two loops it reads the CPU column and serves the ports that the machine declares
(`Plan.ports`). The panel serves input and output. Each program has a host of its own, which serves
its traps (`looped/devices/host.py`); a host may also poll one word of memory. If an instruction
takes several loops, the machine sets `busy` after all of them except the last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import embed_compact, read_word, structured
from looped.artefact.plan import Plan
from looped.artefact.residual import Residual, Residuals
from looped.devices.host import POLL_INTERVAL, ByteSource, ColumnPort, Host
from looped.engines.engine import NO_LANES, Engine, Floats, Watch, Words
from looped.errors import CompileError
from looped.run.panel import Panel

__all__ = ["PC_UNKNOWN", "Computer", "Event", "Snapshot"]

PC_UNKNOWN = -1
"""The program counter of an instruction that ran in a stretch, without a look before it."""


@dataclass(frozen=True, slots=True)
class Event:
    """What one loop did to one program, seen from outside.

    `retired` is False if the machine had halted before the loop, waits for input, or is `busy` with
    an instruction that takes another loop. `consumed` is the word that the machine took from the
    input column, `emitted` the byte that it wrote. `pc` is PC_UNKNOWN if the loop was not the first
    one of its stretch. `cause` is the cause of a trap, None without a trap. `written` is the text
    that devices wrote: the numbers that the instruction has printed in all its loops, then what the
    host wrote when it served the trap. `served` are the words of memory and registers that the host
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

    `state` is the residual stream, whose lanes are ±1. The host has not yet looked at the last
    `pending_loops` loops. `loops` counts the loops after which the machine was not busy.
    `unfinished` is the text that an unfinished instruction has printed. `position` is the position
    in an input of bytes. `input_word` is the word in the input column, `host` the state of the
    host; both are None if there is none.
    """

    state: Residual
    pending_loops: int
    loops: int
    halted: bool
    unfinished: bytes
    position: int
    input_word: int | None
    pc: int
    host: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Service:
    """What a host did: the next program counter, the bytes that it wrote, the cause of the trap,
    and the words that it set."""

    next_pc: int
    written: bytes = b""
    cause: int | None = None
    changes: tuple[tuple[int, int], ...] = ()


class Computer:
    """A batch of programs on an engine, each with its own input.

    An input is either `bytes` or a binary stream. From a stream the computer reads one byte
    whenever the program waits for it; that may block. `entries` are the first program counters, 0
    by default; `hosts` serve machines that trap. `passes` runs a stretch: `advance` of the engine,
    or what also records it (`looped/run/replay.py`).
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
        self.passes = engine.advance
        self.panel = Panel(plan, engine, inputs)
        self.hosts = list(hosts or [None] * len(inputs))
        self.pcs = list(entries or [0] * len(inputs))
        self._pc = np.array(plan.words["pc"], np.intp)
        self._value = np.array(plan.words["value"], np.intp)
        self._halt = NO_LANES if plan.halted is None else np.array([plan.halted])
        self._busy = NO_LANES if plan.busy is None else np.array([plan.busy])
        parts = [self._halt, self._busy, self._pc, self.panel.lanes]
        self._watched = np.concatenate(parts)
        self._ends = np.cumsum([len(part) for part in parts[:-1]]).tolist()
        stops = np.concatenate([self._halt, self.panel.stops])
        self._watch = Watch(plan.cpu, stops, self._busy)
        starts = zip(programs, self.pcs, strict=True)
        engine.load(Residuals([embed_compact(words, plan, entry) for words, entry in starts]))
        self._halted = [False] * len(inputs)
        self._unfinished = [b""] * len(inputs)
        self._pending_loops = 0
        self._poll_addresses = [host.poll_address if host else None for host in self.hosts]
        self._loops = [0] * len(inputs)
        self.panel.begin()

    def stop_at(self, pcs: Collection[int]) -> None:
        """Let stretches end with an instruction that leaves one of these program counters."""
        rows = [[pc >> bit & 1 for bit in range(len(self._pc))] for pc in pcs]
        patterns = np.array(rows, np.bool_).reshape(len(rows), len(self._pc))
        self._watch = replace(self._watch, places=self._pc, patterns=patterns)

    def halted(self, stream: int = 0) -> bool:
        """Whether a program has halted, in a fixed point that the host has looked at."""
        return self._halted[stream] and not self._pending_loops

    def step(self) -> list[Event]:
        """One loop; returns what happened to each program."""
        halted = self._halted
        self.engine.step()
        for stream, busy in enumerate(self._busies()):
            self._loops[stream] += not busy
        return self._look(halted)

    def advance(self, loops: int) -> tuple[int, Event]:
        """Run the only program, which has not halted, for at most `loops` loops in one stretch.

        Loops after which the machine is busy do not count. The stretch ends early with a loop that
        the host must serve, or after an instruction that prints. Returns the number of loops before
        the last one, each of which retired an instruction, and the last one's event. If an
        exception ends a wait for input, the next call runs no loop: it serves the last one and
        returns the loops of the interrupted call; see `count_pending`.
        """
        if self._pending_loops == 0:
            if self._poll_addresses[0] is not None:
                loops = min(loops, POLL_INTERVAL - self._loops[0] % POLL_INTERVAL)
            self._pending_loops = self._pass(loops)
        event = self._look([False])[0]
        while not self._halted[0] and event == Event(False, event.pc, event.next_pc, busy=True):
            self._loops[0] -= 1
            self._pending_loops += self._pass(1) - 1
            event = self._look([False])[0]
        done, self._pending_loops = self._pending_loops, 0
        return done - 1, event if done == 1 else replace(event, pc=PC_UNKNOWN)

    def _pass(self, loops: int) -> int:
        """Let the engine run the only program for at most `loops` loops; returns how many count."""
        done = self.passes(loops, self._watch)
        self._loops[0] += done
        return done

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
        """The program counter of a program, read from the residual stream."""
        return int(read_word(self.engine.read(self.plan.cpu, self._pc)[stream]))

    def _look(self, halted: Sequence[bool]) -> list[Event]:
        """What the last loop did to each program; serves the ports and traps that need it."""
        seen = self.engine.read(self.plan.cpu, self._watched)
        self._halted = [bool(row.any()) for row in seen[:, : len(self._halt)] > 0]
        return [self._event(stream, row, halted[stream]) for stream, row in enumerate(seen)]

    def _event(self, stream: int, seen: Floats, halted: bool) -> Event:
        """What the last loop did to one program, by its watched lanes `seen`."""
        halt, busy_end, pc_end = self._ends
        busy = bool((seen[halt:busy_end] > 0).any())
        signals = self.panel.signals(stream, seen[pc_end:])
        service = _Service(int(read_word(seen[busy_end:pc_end])))
        if not halted and (self._halted[stream] or self._polled_word_is_set(stream)):
            service = self._served(stream, service.next_pc)
        text, self._unfinished[stream] = self._unfinished[stream] + signals.printed, b""
        if busy and not (self._halted[stream] or service.written):
            text, self._unfinished[stream] = b"", text
        event = Event(
            retired=not (halted or signals.waiting or busy),
            pc=self.pcs[stream],
            next_pc=service.next_pc,
            consumed=self.panel.words[stream] if signals.taken else None,
            emitted=signals.emitted,
            waiting=signals.waiting,
            busy=busy,
            written=text + service.written,
            cause=service.cause,
            served=service.changes,
        )
        self.pcs[stream] = service.next_pc
        self.panel.serve(stream, signals)
        return event

    def memory(self) -> Words:
        """The memory of every program, (batch, memory)."""
        streams = range(len(self.hosts))
        return np.stack([self.values(stream)[: self.plan.memory] for stream in streams])

    def values(self, stream: int = 0) -> Words:
        """The words of memory, then of the registers, of one program."""
        return self.engine.words(stream, self._value)[: self.plan.cpu]

    def state(self) -> npt.NDArray[np.float64]:
        """The residual streams, (batch, columns, d_model)."""
        return self.engine.state()

    def snapshot(self) -> Snapshot:
        """All that the only program needs to continue, except its input.

        Raises CompileError if the residual stream is not ±1, as can happen in a dtype that is not
        certified.
        """
        try:
            state = structured(self.engine.residual(0), self.plan)
        except ValueError:
            what = "the residual stream is no longer ±1: the dtype is not exact"
            raise CompileError(what) from None
        host = self.hosts[0]
        return Snapshot(
            state=state,
            pending_loops=self._pending_loops,
            loops=self._loops[0],
            halted=self._halted[0],
            unfinished=self._unfinished[0],
            position=self.panel.positions[0],
            input_word=self.panel.words[0],
            pc=self.pcs[0],
            host=None if host is None else host.snapshot(),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Continue the only program from a snapshot.

        Raises ValueError if the snapshot is of another machine, KeyError or TypeError if it is of
        another host.
        """
        shape = (self.plan.columns, self.plan.d_model)
        if snapshot.state.shape != shape:
            found = snapshot.state.shape
            raise ValueError(f"the state has the shape {found}, and the machine needs {shape}")
        self.engine.load(Residuals([snapshot.state.copy()]))
        self._pending_loops, self._loops = snapshot.pending_loops, [snapshot.loops]
        self._halted, self._unfinished = [snapshot.halted], [snapshot.unfinished]
        self.panel.positions, self.panel.words = [snapshot.position], [snapshot.input_word]
        self.pcs = [snapshot.pc]
        for host in self.hosts:
            if host is not None:
                host.restore(snapshot.host or {})

    def is_polled_for(self) -> bool:
        """Whether the only program has set the word that its host polls."""
        address = self._poll_addresses[0]
        return address is not None and bool((self.engine.read(address, self._value) > 0).any())

    def _busies(self) -> list[bool]:
        """Which programs have an instruction that takes another loop."""
        if not len(self._busy):
            return [False] * len(self.pcs)
        lanes = self.engine.read(self.plan.cpu, self._busy)
        return [bool(row.any()) for row in lanes > 0]

    def _polled_word_is_set(self, stream: int) -> bool:
        """Whether the host polls after this loop and finds a word that is not zero."""
        poll_address = self._poll_addresses[stream]
        if poll_address is None or self._loops[stream] % POLL_INTERVAL:
            return False
        return bool((self.engine.read(poll_address, self._value)[stream] > 0).any())

    def _served(self, stream: int, pc: int) -> _Service:
        """Let the host, if any, serve a machine that has trapped or has set the polled word."""
        port = ColumnPort(self.plan, self.engine, stream, self._loops[stream])
        trap = self.plan.ports.trap
        cause = port.cpu(trap.cause) if trap is not None and port.cpu(trap.trap) == 1 else None
        host = self.hosts[stream]
        if host is None:
            return _Service(pc, cause=cause)
        written = host.serve(port)
        halt = self.engine.read(self.plan.cpu, self._halt)[stream]
        self._halted[stream] = bool((halt > 0).any())
        return _Service(self.pc(stream), written, cause, tuple(port.changes))
