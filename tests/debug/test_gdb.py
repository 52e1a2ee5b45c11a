"""The stub for gdb: packet by packet, and under the real gdb where there is one."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.debug import mover
from looped.debug.gdb import packets, window
from looped.debug.gdb.packets import Connection
from looped.debug.gdb.server import Server
from looped.debug.gdb.target import PC
from looped.debug.terminal.monitor import Monitor
from tests.conftest import examples
from tests.debug.gdb_client import Client
from tests.debug.remote import GDB, LINKER, gdb_session
from tests.debug.sessions import CALLS, debugger

OPTIONS = "--engine", "event", "--memory", "128"


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
    assert client.ask(b"m1fe,8") == b"0000", "memory ends there"
    assert client.ask(b"m200,1") == b"E01" and client.ask(b"M1ff,2:aaaa") == b"E01"
    assert client.ask(b"m1ff,1") == b"00"


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


@examples(0.1)
@given(data=st.data())
def test_going_back_shows_what_going_there_has_shown(data: st.DataObject) -> None:
    """Whatever gdb asks on the way: moves back come from what is recorded, others move the run."""
    plain = debugger(CALLS)
    seen = []
    while not plain.timeline.halted:
        words = plain.timeline.port
        seen.append((plain.timeline.pc, *(words.register(n) for n in range(32)), words.memory(64)))
        plain.step()
    run = debugger(CALLS)
    server = Server(run)
    pc = data.draw(st.sampled_from([here[0] for here in seen]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "_LENGTH", data.draw(st.sampled_from([3, 10, 1000])))
        run.timeline.go_to(data.draw(st.integers(0, len(seen))))
        place = run.timeline.steps
        assert server.answer(b"Z0,%x,4" % pc) == b"OK"
        for _ in range(data.draw(st.integers(1, 8))):
            packet = data.draw(st.sampled_from([b"bs", b"bs", b"bc", b"s", b"c", b"M0,0:"]))
            answer = server.answer(packet)
            hits = [n for n, here in enumerate(seen) if here[0] == pc]
            if packet == b"bs":
                place = max(0, place - 1)
            elif packet == b"bc":
                place = max((n for n in hits if n < place), default=0)
            elif packet == b"s":
                place = min(len(seen), place + 1)
            elif packet == b"c":
                place = min((n for n in hits if n > place), default=len(seen))
            if place == len(seen):
                assert answer in (b"W10", b"")
                break
            registers = [server.target.register(n) for n in range(32)]
            stored = int.from_bytes(server.target.read(256, 4), "little")
            assert (server.target.register(PC), *registers, stored) == seen[place]


def test_a_command_of_the_monitor(client: Client) -> None:
    def monitor(line: bytes) -> str:
        return bytes.fromhex(client.ask(b"qRcmd," + line.hex().encode()).decode()).decode()

    assert monitor(b"print *double") == f"*double = {0x13 | 2 << 7 | 2 << 15 | -4 << 20}\n"
    assert "head NAME" in monitor(b"help")
    for line in (b"step", b"set *0 = 1"):
        assert monitor(line).startswith(f"error: no command named `{line.split()[0].decode()}`")
    assert client.ask(b"qRcmd,6") == b"E01", "half a byte"


def test_gdb_hears_of_a_command_that_takes_long() -> None:
    run, done = debugger(CALLS), threading.Event()
    server = Server(run, lambda line: f"{done.wait(10)}")
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.MonkeyPatch.context() as patch:
        patch.setattr(packets, "_PULSE", 0.01)
        thread = threading.Thread(target=server.serve, args=(theirs,), daemon=True)
        thread.start()
        client = Client(ours)
        client.send(b"qRcmd," + b"loop".hex().encode())
        assert [client.receive() for _ in range(3)] == [b"O"] * 3
        done.set()
        while (answer := client.receive()) == b"O":
            pass
        assert bytes.fromhex(answer.decode()) == b"True"
        ours.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_break_after_acknowledgements_interrupts_a_run() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(theirs)
        assert not connection.interrupted()
        ours.sendall(b"++")
        assert not connection.interrupted()
        ours.sendall(b"+\x03$g#67")
        assert connection.interrupted() and connection.receive() == b"g"


def test_a_gdb_that_kills_the_program_ends_the_stub() -> None:
    for packet, ends in ((b"$D#44", False), (b"$k#6b", True)):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(packet)
            ours.shutdown(socket.SHUT_WR)
            assert Server(debugger(CALLS)).serve(theirs) == ends


def test_nothing_changes_after_the_end(client: Client) -> None:
    assert client.ask(b"c") == b"W10"
    for packet in (b"M100,1:aa", b"Pa=2a000000", b"P20=00000000"):
        assert client.ask(packet) == b"E01"


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


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CALLS as an ELF file, with line numbers."""
    if GDB is None or LINKER is None:
        pytest.skip("needs gdb and a compiler for RISC-V")
    folder = tmp_path_factory.mktemp("gdb")
    (folder / "calls.s").write_text(CALLS.replace(".machine rv32i", ".globl _start\n_start:"))
    flags = "-march=rv32i -mabi=ilp32 -nostdlib -g -Wl,-N,-Ttext=0"
    made = folder / "calls.elf"
    subprocess.run([*LINKER, *flags.split(), "-o", made, folder / "calls.s"], check=True)
    return made


@pytest.mark.slow
def test_the_real_gdb(calls: Path, tmp_path: Path) -> None:
    word = "*(int *) 256"
    commands = ["break double", "continue", "info symbol $pc", "delete", f"watch {word}"]
    commands += ["continue", f"print {word}", "reverse-continue", f"print {word}", "delete"]
    shown = gdb_session(calls, [*commands, "continue"], tmp_path, *OPTIONS)
    assert "double in section .text" in shown
    assert "Old value = 0\nNew value = 8" in shown and "$1 = 8" in shown
    assert "Old value = 8\nNew value = 0" in shown and "$2 = 0" in shown
    assert "exited with code 020" in shown


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["event", "lifted"])
def test_the_real_gdb_watches_reads(calls: Path, tmp_path: Path, engine: str) -> None:
    """The words of the stack: `double` saves its return address, and reads it."""
    word = "*(int *) 508"
    commands = [f"rwatch {word}", "continue", "info symbol $pc", "continue", "delete"]
    commands += [f"awatch {word}", "reverse-continue", "reverse-continue", "reverse-continue"]
    commands += ["info symbol $pc"]
    shown = gdb_session(calls, commands, tmp_path, *OPTIONS[2:], "--engine", engine)
    assert shown.count("Hardware read watchpoint 1") == 3, shown
    assert shown.count("Value = 12") == 2 and shown.count("Value = 20") >= 2, shown
    assert shown.count("Hardware access (read/write) watchpoint 2") >= 3, shown


@pytest.mark.slow
def test_ctrl_c_in_the_real_gdb(calls: Path, tmp_path: Path) -> None:
    """The last instruction of `once` becomes a jump to itself: the program runs on and on."""
    endless = ["set {int} &once = 0x6f", "shell (sleep 3; kill -INT $PPID) &", "continue"]
    commands = [*endless, "info symbol $pc", "stepi", "monitor head word", "kill"]
    shown = gdb_session(calls, commands, tmp_path, *OPTIONS)
    assert "received signal SIGINT" in shown and "once in section .text" in shown
    assert "head word: word := mem" in shown and "Ignoring packet error" not in shown


@pytest.mark.slow
def test_another_gdb_goes_on_after_detach(calls: Path, tmp_path: Path) -> None:
    """A second gdb is refused while the first one is there."""
    again = "python gdb.execute('target remote ' + where)"
    second = ["add-inferior", "inferior 2", "set tcp connect-timeout 1"]
    refused = ["python", "try: gdb.execute('target remote ' + where)"]
    refused += ["except gdb.error as error: print('refused:', error)", "end"]
    commands = ["break double", "continue", "load", "stepi", "detach", again]
    commands += ["info symbol $pc", *second, *refused, "inferior 1", "delete", "continue"]
    shown = gdb_session(calls, commands, tmp_path, *OPTIONS)
    assert "start + 4 in section .text" in shown, "`load` has set the program counter"
    assert re.search("refused: .*(timed out|refused)", shown)
    assert "exited with code 020" in shown
