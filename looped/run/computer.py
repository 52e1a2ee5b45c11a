"""Computer: where lanes and words meet. It feeds input columns and listens to the CPU's flags.

Between two loops the host may do three things, and does nothing else: it reads the CPU's flags and
registers, it puts the next byte into the input column, and it says so on the CPU's `ready` pin. A
machine that wants a byte and has none stalls for a loop and raises `waiting`. A machine without an
input column traps instead, and is served by a host of its own (`looped/devices/host.py`), which may
also look at a word of memory now and then. One that takes several loops for an instruction raises
`busy` in all of them but the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from looped.artefact.embedding import embed, embed_words, memory_words, read_word
from looped.artefact.plan import Plan
from looped.devices.host import POLL_INTERVAL, ByteSource, ColumnPort, Host
from looped.engines.engine import NO_LANES, Engine, Watch
from looped.errors import CompileError

__all__ = ["PC_UNKNOWN", "Computer", "Event", "Snapshot"]

PC_UNKNOWN = -1
"""The program counter of an instruction that was not looked at before it ran."""

_FLAGS = ("reading", "waiting", "writing")
_NO_FLAGS = (False, False, False)


@dataclass(frozen=True, slots=True)
class Event:
    """What one loop did to one program, seen from outside.

    `retired` is False if the machine had halted before, was waiting for input, or is `busy` with an
    instruction that goes on in the next loop. `consumed`
    is the word taken from the input column, `emitted` the byte put out, `written` what a host put
    out for a machine that had trapped; `pc` is PC_UNKNOWN if the loops before were done in one go.
    `cause` is that of a trap, None without one; `served` are the words of memory and registers that
    the host has set, (column, value).
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
    have been run, but what they ask of the host has not been done; `loops` counts those in which
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
    """What a host has done: where the machine goes on, what is put out, why it had trapped, and the
    words that are set."""

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
        self.inputs = list(inputs)
        self.positions = [0] * len(inputs)
        self._lanes = {name: np.array(lanes, np.intp) for name, lanes in plan.words.items()}
        names = ("pc", *_FLAGS, "out") if plan.has_input else ("pc",)
        self._busy = NO_LANES if plan.busy is None else np.array([plan.busy])
        pc_and_flags = (self._lanes[name] for name in names)
        self._watched = np.concatenate([[plan.halted], self._busy, *pc_and_flags])
        flags = [self._lanes[name] for name in _FLAGS] if plan.has_input else []
        self._watch = Watch(plan.cpu, np.concatenate([[plan.halted], *flags]), self._busy)
        self.hosts = list(hosts or [None] * len(inputs))
        self.pcs = list(entries or [0] * len(inputs))
        starts = zip(programs, self.pcs, strict=True)
        engine.load(np.stack([embed(words, plan, entry) for words, entry in starts]))
        self._halted = [False] * len(inputs)
        self._pending_loops = 0
        self._poll_addresses = [host.poll_address if host else None for host in self.hosts]
        self._loops = [0] * len(inputs)
        self.input_word: list[int | None] = [None] * len(inputs)
        for stream in range(len(inputs) if plan.has_input else 0):
            self._offer(stream)

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
        before.
        """
        if self._pending_loops == 0:
            if self._poll_addresses[0] is not None:
                loops = min(loops, POLL_INTERVAL - self._loops[0] % POLL_INTERVAL)
            self._pending_loops = self.engine.advance(loops, self._watch)
            self._loops[0] += self._pending_loops
        event = self._look([False])[0]
        done, self._pending_loops = self._pending_loops, 0
        return done - 1, event if done == 1 else replace(event, pc=PC_UNKNOWN)

    def pc(self, stream: int = 0) -> int:
        """The program counter of a program as it stands in the residual stream."""
        return int(read_word(self.engine.read(self.plan.cpu, self._lanes["pc"])[stream]))

    def _look(self, halted: Sequence[bool]) -> list[Event]:
        """What the last loop did to each program, and what the host does about it."""
        seen = self.engine.read(self.plan.cpu, self._watched)
        self._halted = (seen[:, 0] > 0).tolist()
        first, last = 1 + len(self._busy), 1 + len(self._busy) + self.plan.width
        busies = [bool(lanes.any()) for lanes in seen[:, 1:first] > 0]
        flags = seen[:, last:] > 0
        next_pcs = read_word(seen[:, first:last]).tolist()
        outs = read_word(flags[:, len(_FLAGS) :]).tolist()
        events = []
        for stream, (next_pc, out) in enumerate(zip(next_pcs, outs, strict=True)):
            busy = busies[stream]
            reading, waiting, writing = flags[stream, : len(_FLAGS)].tolist() or _NO_FLAGS
            service = _Service(next_pc)
            asks = self._halted[stream] or self._has_mail(stream)
            if asks and not halted[stream]:
                service = self._served(stream, next_pc)
            events.append(
                Event(
                    retired=not (halted[stream] or waiting or busy),
                    pc=self.pcs[stream],
                    next_pc=service.next_pc,
                    consumed=self.input_word[stream] if reading else None,
                    emitted=out if writing else None,
                    waiting=waiting,
                    busy=busy,
                    written=service.written,
                    cause=service.cause,
                    served=service.changes,
                )
            )
            self.pcs[stream] = service.next_pc
            self._serve(stream, reading, waiting)
        return events

    def memory(self) -> npt.NDArray[np.int64 | np.uint64]:
        """The memory of every program, (batch, memory)."""
        return memory_words(self.state(), self.plan)

    def state(self) -> npt.NDArray[np.float64]:
        """The residual streams, (batch, columns, d_model)."""
        return self.engine.state()

    def snapshot(self) -> Snapshot:
        """All that the only program needs to go on, but its input. Raises CompileError for a
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
            position=self.positions[0],
            input_word=self.input_word[0],
            pc=self.pcs[0],
            host=None if host is None else host.snapshot(),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Let the only program go on from there. Raises ValueError if it is none of this machine,
        KeyError or TypeError if it is none of this host."""
        shape = (self.plan.columns, self.plan.d_model)
        if snapshot.state.shape != shape:
            raise ValueError(f"the state is {snapshot.state.shape}, and the machine's is {shape}")
        self.engine.load(np.where(snapshot.state, 1, -1).astype(np.int8)[None])
        self._pending_loops, self._loops = snapshot.pending_loops, [snapshot.loops]
        self._halted = [snapshot.halted]
        self.positions, self.input_word = [snapshot.position], [snapshot.input_word]
        self.pcs = [snapshot.pc]
        for host in self.hosts:
            if host is not None:
                host.restore(snapshot.host or {})

    def _busies(self) -> list[bool]:
        """Which programs have an instruction that goes on in the next loop."""
        lanes = self.engine.read(self.plan.cpu, self._busy)
        return [bool(row.any()) for row in lanes > 0]

    def _has_mail(self, stream: int) -> bool:
        """Whether it is time for the host to look at its word, and something is in it."""
        poll_address = self._poll_addresses[stream]
        if poll_address is None or self._loops[stream] % POLL_INTERVAL:
            return False
        return bool((self.engine.read(poll_address, self._lanes["value"])[stream] > 0).any())

    def _served(self, stream: int, pc: int) -> _Service:
        """Let the host, if there is one, serve a machine that asks for it."""
        port = ColumnPort(self.plan, self.engine, stream)
        trapped = "trap" in self.plan.words and port.cpu("trap") == 1
        cause = port.cpu("cause") if trapped else None
        host = self.hosts[stream]
        if host is None:
            return _Service(pc, cause=cause)
        written = host.serve(port)
        seen = self.engine.read(self.plan.cpu, self._watched)[stream]
        self._halted[stream] = bool(seen[0] > 0)
        return _Service(self.pc(stream), written, cause, tuple(port.changes))

    def _serve(self, stream: int, reading: bool, waiting: bool) -> None:
        if reading:
            self.input_word[stream] = None
            self.engine.write(stream, self.plan.cpu, self._lanes["ready"], [-1])
            blank = -np.ones(self.plan.width)
            self.engine.write(stream, self.plan.input, self._lanes["value"], blank)
        if reading or waiting:
            self._offer(stream, wait=waiting)

    def _offer(self, stream: int, wait: bool = False) -> None:
        """Put the next byte (all ones at the end) into the input column, if it is at hand."""
        source = self.inputs[stream]
        if isinstance(source, bytes):
            position = self.positions[stream]
            taken = source[position : position + 1]
        elif wait:
            taken = source.read(1)
        else:
            return
        self.positions[stream] += len(taken)
        word = taken[0] if taken else (1 << self.plan.width) - 1
        self.input_word[stream] = word
        lanes = embed_words(word, self.plan.width)
        self.engine.write(stream, self.plan.input, self._lanes["value"], lanes)
        self.engine.write(stream, self.plan.cpu, self._lanes["ready"], [1])
