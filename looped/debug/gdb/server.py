"""Server: answers the packets of one gdb after another.

GDB manual, appendix E: stop replies (E.3), general queries (E.4), packets (E.2), and reverse
execution (`bs`, `bc`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import nullcontext

from looped.debug.debugger import Debugger
from looped.debug.gdb.packets import Connection
from looped.debug.gdb.rewind import Rewind
from looped.debug.gdb.target import DESCRIPTION, PC, Target
from looped.debug.stops import Breakpoint, Kind, Stop, Watchpoint

__all__ = ["Server", "listen"]

_SUPPORTED = (
    b"PacketSize=1000;qXfer:features:read+;QStartNoAckMode+;ReverseStep+;ReverseContinue+;"
    b"swbreak+;hwbreak+"
)
_OK, _ERROR, _UNKNOWN = b"OK", b"E01", b""

_WATCHED: Mapping[bytes, Kind] = {b"2": "write", b"3": "read", b"4": "access"}
_STOPPED: Mapping[Kind, bytes] = {"write": b"watch", "read": b"rwatch", "access": b"awatch"}


def listen(host: str, port: int) -> socket.socket:
    """A socket that waits for one gdb. Raises OSError if the address is in use or not ours.

    Close it once that gdb is there: the next one is refused, and does not wait for an answer.
    """
    return socket.create_server((host, port), backlog=0)


class Server:
    """Serves a debugger to gdb until gdb kills or detaches from the program.

    Ctrl-C in gdb interrupts a run of the debugger. `monitor` executes a line after gdb's command of
    the same name, and returns the text that gdb shows.
    """

    def __init__(self, debugger: Debugger, monitor: Callable[[str], str] | None = None) -> None:
        self.debugger = debugger
        self._monitor = monitor
        debugger.interrupted = self.interrupted
        self._rewind = Rewind(debugger)
        self.target = Target(debugger, self._rewind)
        self._connection: Connection | None = None
        self._points: dict[tuple[bytes, int, int], Breakpoint | Watchpoint] = {}

    def interrupted(self) -> bool:
        """Whether gdb wants a run to stop."""
        return self._connection is not None and self._connection.interrupted()

    def serve(self, link: socket.socket) -> bool:
        """Answer one gdb until it closes the connection; whether it has ended the program."""
        self._connection = connection = Connection(link)
        for made in self._points.values():  # those of a gdb that has gone without a word
            self.debugger.points.delete(made.number)
        self._points.clear()
        while (packet := connection.receive()) is not None:
            if packet[:1] == b"k":
                return True
            answer = self.answer(packet)
            try:
                connection.send(answer)
            except OSError:
                return False
            if packet == b"QStartNoAckMode":
                connection.acknowledges = False
            if packet[:1] == b"D":
                return False
        return False

    def answer(self, packet: bytes) -> bytes:
        """The answer to a packet, empty if the stub does not know it."""
        for prefix, method in _PACKETS:
            if packet.startswith(prefix):
                try:
                    return method(self, packet[len(prefix) :])
                except (ValueError, IndexError):
                    return _ERROR
        return _UNKNOWN

    def _features(self, rest: bytes) -> bytes:
        offset, length = (int(n, 16) for n in rest.split(b","))
        text = DESCRIPTION.encode()
        more = b"m" if offset + length < len(text) else b"l"
        return more + text[offset : offset + length]

    def _command(self, rest: bytes) -> bytes:
        if self._monitor is None:
            return _UNKNOWN
        self._rewind.land()
        line = bytes.fromhex(rest.decode()).decode("utf-8", "replace")
        with self._connection.patient() if self._connection else nullcontext():
            return self._monitor(line).encode().hex().encode() or _OK

    def _stopped(self, rest: bytes) -> bytes:
        return self._reply(Stop(halted=self._rewind.halted))

    def _registers(self, rest: bytes) -> bytes:
        return b"".join(_hex(self.target.register(n)) for n in range(PC + 1))

    def _set_registers(self, rest: bytes) -> bytes:
        for n in range(len(rest) // 8):
            self.target.set_register(n, _word(rest[8 * n : 8 * n + 8]))
        return _OK

    def _register(self, rest: bytes) -> bytes:
        number = int(rest, 16)
        return _hex(self.target.register(number)) if number <= PC else _ERROR

    def _set_register(self, rest: bytes) -> bytes:
        number, value = rest.split(b"=")
        if int(number, 16) > PC:
            return _ERROR
        self.target.set_register(int(number, 16), _word(value))
        return _OK

    def _memory(self, rest: bytes) -> bytes:
        address, length = (int(n, 16) for n in rest.split(b","))
        content = self.target.read(address, length)
        return content.hex().encode() if content or not length else _ERROR

    def _set_memory(self, rest: bytes) -> bytes:
        where, content = rest.split(b":")
        address, length = (int(n, 16) for n in where.split(b","))
        decoded = bytes.fromhex(content.decode())
        if len(decoded) != length:
            return _ERROR
        return _OK if self.target.write(address, decoded) else _ERROR

    def _insert(self, rest: bytes) -> bytes:
        kind, where, length = rest.split(b";")[0].split(b",")
        address, size = int(where, 16), int(length, 16)
        key = (kind, address, size)
        if kind in (b"0", b"1"):
            made: Breakpoint | Watchpoint = self.debugger.add_breakpoint(address)
        elif kind in _WATCHED:
            watched, name = self.target.watched(address, size), _WATCHED[kind]
            accessed = None if kind == b"2" else self.target.accessed(address, size, name)
            made = self.debugger.add_watchpoint(f"{address:x}", watched, name, accessed)
        else:
            return _UNKNOWN
        self._remove(rest)
        self._points[key] = made
        return _OK

    def _remove(self, rest: bytes) -> bytes:
        kind, where, length = rest.split(b";")[0].split(b",")
        if kind not in (b"0", b"1", *_WATCHED):
            return _UNKNOWN
        made = self._points.pop((kind, int(where, 16), int(length, 16)), None)
        if made is not None:
            self.debugger.points.delete(made.number)
        return _OK

    def _run(self, run: Callable[[], Stop]) -> bytes:
        """Run forwards. A watchpoint stops before the instruction that changes the word: on RISC-V
        gdb then steps over it by itself."""
        self._rewind.land()
        if self.debugger.timeline.halted:
            return self._reply(Stop(halted=True))
        stop = run()
        if stop.changes and not stop.halted:
            self.debugger.reverse_step()
        return self._reply(stop)

    def _run_back(self, run: Callable[[], Stop]) -> bytes:
        """Run backwards. A watchpoint stops after that instruction, and gdb steps back over it."""
        stop = run()
        if stop.changes:
            self.debugger.timeline.step()
        return self._reply(stop)

    def _reply(self, stop: Stop) -> bytes:
        host = self.debugger.timeline.host
        if stop.halted and host is not None and host.exit_code is not None:
            return b"W%02x" % (host.exit_code & 0xFF)
        if stop.halted:
            return b"S04"  # SIGILL: a trap that nobody serves
        if stop.interrupted:
            return b"S02"
        if stop.began:
            return b"T05replaylog:begin;"
        if stop.changes:
            watchpoint = stop.changes[0].watchpoint
            return b"T05%b:%b;" % (_STOPPED[watchpoint.kind], watchpoint.text.encode())
        return b"T05swbreak:;" if stop.breakpoints else b"S05"

    def _continue(self, rest: bytes) -> bytes:
        return self._run(self.debugger.resume)

    def _step(self, rest: bytes) -> bytes:
        return self._run(self.debugger.step)

    def _back(self, rest: bytes) -> bytes:
        return self._run_back(self._rewind.resume)

    def _step_back(self, rest: bytes) -> bytes:
        return self._run_back(self._rewind.step)

    def _resumed(self, rest: bytes) -> bytes:
        return self._continue(rest) if rest[:1] in b"cC" else self._step(rest)


def _hex(word: int) -> bytes:
    return word.to_bytes(4, "little").hex().encode()


def _word(text: bytes) -> int:
    return int.from_bytes(bytes.fromhex(text.decode()), "little")


def _constant(content: bytes) -> Callable[[Server, bytes], bytes]:
    return lambda server, rest: content


_PACKETS: tuple[tuple[bytes, Callable[[Server, bytes], bytes]], ...] = (
    (b"qSupported", _constant(_SUPPORTED)),
    (b"qXfer:features:read:target.xml:", Server._features),
    (b"QStartNoAckMode", _constant(_OK)),
    (b"qAttached", _constant(b"1")),
    (b"qfThreadInfo", _constant(b"m1")),
    (b"qsThreadInfo", _constant(b"l")),
    (b"qC", _constant(b"QC1")),
    (b"qRcmd,", Server._command),
    (b"vCont?", _constant(b"vCont;c;C;s;S")),
    (b"vCont;", Server._resumed),
    (b"?", Server._stopped),
    (b"H", _constant(_OK)),
    (b"T", _constant(_OK)),
    (b"D", _constant(_OK)),
    (b"g", Server._registers),
    (b"G", Server._set_registers),
    (b"p", Server._register),
    (b"P", Server._set_register),
    (b"m", Server._memory),
    (b"M", Server._set_memory),
    (b"Z", Server._insert),
    (b"z", Server._remove),
    (b"bs", Server._step_back),
    (b"bc", Server._back),
    (b"c", Server._continue),
    (b"s", Server._step),
)
"""The packets that the stub knows, by their first bytes: the longest come first."""
