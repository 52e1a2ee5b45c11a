"""The stub for gdb: packet by packet, and under the real gdb where there is one."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.debug import mover
from looped.debug.gdb.packets import Connection
from looped.debug.gdb.server import Server
from looped.debug.gdb.target import PC
from looped.debug.terminal.monitor import Monitor
from tests.conftest import examples
from tests.debug.gdb_client import Client
from tests.debug.remote import COMPILER, GDB, gdb_session
from tests.debug.sessions import CALLS, debugger


@pytest.fixture
def client() -> Iterator[Client]:
    """A client connected to a stub that serves CALLS in a thread."""
    ours, theirs = socket.socketpair()
    run = debugger(CALLS)
    run.step()  # compiles the engine, which the client would wait for
    run.timeline.go_to(0)
    server = Server(run, Monitor(run).execute)
    thread = threading.Thread(target=server.serve, args=(theirs,), daemon=True)
    thread.start()
    with ours:
        yield Client(ours)
        ours.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    assert not thread.is_alive()


def word(client: Client, number: int) -> int:
    """A register."""
    return int.from_bytes(bytes.fromhex(client.ask(b"p%x" % number).decode()), "little")


def test_a_session(client: Client) -> None:
    assert b"ReverseStep+" in client.ask(b"qSupported:swbreak+")
    assert client.ask(b"?") == b"S05"
    assert client.ask(b"Z0,28,4") == b"OK"
    assert client.ask(b"vCont;c") == b"T05swbreak:;" and word(client, PC) == 0x28
    assert len(client.ask(b"g")) == 8 * 33 and word(client, 10) == 4
    assert client.ask(b"z0,28,4") == b"OK"
    assert client.ask(b"Z2,100,4") == b"OK"
    for value in (b"08", b"10"):
        assert client.ask(b"c") == b"T05watch:100;"
        assert client.ask(b"m100,1") != value, "the instruction has not yet stored"
        assert client.ask(b"z2,100,4") == b"OK" and client.ask(b"s") == b"S05"
        assert client.ask(b"m100,4") == value + b"000000" and client.ask(b"Z2,100,4") == b"OK"
    assert client.ask(b"s") == b"S05" and client.ask(b"bc") == b"T05watch:100;"
    assert client.ask(b"m100,2") == b"1000"
    assert client.ask(b"z2,100,4") == b"OK" and client.ask(b"bs") == b"S05"
    assert client.ask(b"m100,4") == b"08000000" and client.ask(b"Z2,100,4") == b"OK"
    assert client.ask(b"z2,100,4") == b"OK"
    assert client.ask(b"bc") == b"T05replaylog:begin;" and word(client, PC) == 0
    assert client.ask(b"c") == b"W10", "the exit status of the program, 16"


def test_changes_by_hand(client: Client) -> None:
    assert client.ask(b"M101,3:abcdef") == b"OK" and client.ask(b"m100,5") == b"00abcdef00"
    assert client.ask(b"Pa=2a000000") == b"OK" and word(client, 10) == 42
    assert client.ask(b"P0=2a000000") == b"OK" and word(client, 0) == 0
    assert client.ask(b"P20=24000000") == b"OK" and word(client, PC) == 0x24
    assert client.ask(b"m3fe,8") == b"0000", "memory ends there"
    assert client.ask(b"m400,1") == b"E01" and client.ask(b"M3ff,2:aaaa") == b"E01"
    assert client.ask(b"m3ff,1") == b"00"


def test_a_watchpoint_sees_the_past_of_a_stretch() -> None:
    run = debugger(CALLS, engine="lifted")
    server = Server(run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mover, "_SINGLE", 0)
        patch.setattr(mover, "_FIRST", 1000)
        for value in (b"00000000", b"08000000"):
            assert server.answer(b"Z2,100,4") == b"OK"
            assert server.answer(b"c") == b"T05watch:100;"
            assert server.answer(b"m100,4") == value, "before the store"
            assert server.answer(b"z2,100,4") == b"OK" and server.answer(b"s") == b"S05"


def test_a_command_of_the_monitor(client: Client) -> None:
    def monitor(line: bytes) -> str:
        return bytes.fromhex(client.ask(b"qRcmd," + line.hex().encode()).decode()).decode()

    assert monitor(b"print *double") == f"*double = {0x13 | 2 << 7 | 2 << 15 | -4 << 20}\n"
    assert "head NAME" in monitor(b"help")
    for line in (b"step", b"set *0 = 1"):
        assert monitor(line).startswith(f"error: no command named `{line.split()[0].decode()}`")
    assert client.ask(b"qRcmd,6") == b"E01", "half a byte"


def test_a_gdb_that_has_gone_leaves_no_breakpoint() -> None:
    run = debugger(CALLS)
    server = Server(run)
    for _ in range(2):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(b"$Z0,28,4#%02x" % (sum(b"Z0,28,4") & 0xFF))
            ours.shutdown(socket.SHUT_WR)
            assert not server.serve(theirs)
        assert len(run.points.breakpoints) == 1
    assert list(run.points.breakpoints) == [2]


@pytest.mark.parametrize(
    "packet",
    [
        b"Z3,100,4",
        b"Z4,100,4",
        b"p",
        b"pzz",
        b"p999",
        b"m",
        b"m1",
        b"M0,4:00",
        b"Z0,1",
        b"P1",
        b"Z9,0,4",
        b"vX",
        b"",
    ],
)
def test_packets_that_mean_nothing_get_an_error(client: Client, packet: bytes) -> None:
    assert client.ask(packet) in (b"E01", b"")
    assert client.ask(b"?") == b"S05", "and the session continues"


@examples(0.3)
@given(st.lists(st.binary(max_size=40), max_size=4), st.integers(1, 7))
def test_packets_survive_escapes_and_pieces(contents: list[bytes], piece: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender, receiver = Connection(ours), Connection(theirs)
        for content in contents:
            sender.send(content)
            assert receiver.receive() == content
        ours.shutdown(socket.SHUT_WR)
        assert receiver.receive() is None


def test_a_damaged_packet_is_refused() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"$g#00$g#67")
        assert Connection(theirs).receive() == b"g"
        assert ours.recv(10) == b"-+"


@pytest.mark.skipif(GDB is None or COMPILER is None, reason="needs gdb and a compiler for RISC-V")
@pytest.mark.slow
def test_the_real_gdb(tmp_path: Path) -> None:
    (tmp_path / "calls.s").write_text(CALLS.replace(".machine rv32i", ".globl _start\n_start:"))
    elf = tmp_path / "calls.elf"
    flags = "-march=rv32i -mabi=ilp32 -nostdlib -g -Wl,-Ttext=0 -Wl,--no-warn-rwx-segments"
    assert COMPILER is not None
    subprocess.run([COMPILER, *flags.split(), "-o", elf, tmp_path / "calls.s"], check=True)
    word = "*(int *) 256"
    commands = ["break double", "continue", "info symbol $pc", "delete", f"watch {word}"]
    commands += ["continue", f"print {word}", "reverse-continue", f"print {word}", "delete"]
    options = "--engine", "event", "--memory", "256"
    shown = gdb_session(elf, [*commands, "continue"], tmp_path, *options)
    assert "double in section .text" in shown
    assert "Old value = 0\nNew value = 8" in shown and "$1 = 8" in shown
    assert "Old value = 8\nNew value = 0" in shown and "$2 = 0" in shown
    assert "exited with code 020" in shown
