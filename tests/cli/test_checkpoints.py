"""Killed and resumed, a run puts out what it would have, and ends in the same state."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from looped.artefact.checkpoint import load_machine
from looped.cli.main import cli
from looped.files import Replacement
from looped.run.checkpoint import Checkpoint, identify, load_checkpoint
from looped.run.streams import Output
from tests import seeds
from tests.cli.lives import KILLED, append, live

ROOT = Path(__file__).parents[2]

WORK = """
        .width 16
next:   in x
        jlt x, end
        mov rounds, count
work:   add x, sum
        dec count
        jgt count, work
        out x
        out sum
        jmp next
end:    putc '.'
        halt
x:      .word 0
sum:    .word 0
count:  .word 0
rounds: .word 100
"""
DATA = bytes(seeds.rng(3).randbytes(60))


class Setting:
    """A compiled program, its input, and what it does when nobody interrupts it."""

    def __init__(self, folder: Path, source: str, data: bytes) -> None:
        self.folder = folder
        self.program = folder / "program.safetensors"
        self.data = folder / "input"
        self.data.write_bytes(data)
        assert self.call("compile", source, "-o", self.program)[0] == 0
        self.state = folder / "whole.state"
        code, self.output = self.call(
            "run", self.program, "--checkpoint", self.state, "--engine", "event", data=data
        )
        assert code == 0

    def call(self, *arguments: object, data: bytes = b"") -> tuple[int, bytes]:
        result = CliRunner().invoke(cli, [str(a) for a in arguments], input=data)
        assert "Traceback" not in result.stderr
        return result.exit_code, result.stdout_bytes

    def command(self, state: Path, every: int, engine: str = "event") -> list[str]:
        command = ["run", str(self.program), "--engine", engine]
        command += ["--checkpoint", str(state), "--every", str(every)]
        return [*command, "--resume", str(state)] if state.exists() else command

    def checkpoint(self, path: Path) -> Checkpoint:
        machine, image = load_machine(self.program)
        assert image is not None
        return load_checkpoint(path, identify(machine, image))

    def check(self, state: Path, output: bytes) -> None:
        """The end of a run is that of the run which nobody interrupted."""
        assert output == self.output
        found, whole = self.checkpoint(state), self.checkpoint(self.state)
        assert np.array_equal(found.snapshot.state, whole.snapshot.state)
        assert (found.steps, found.consumed, found.input_sha256, found.snapshot.host) == (
            whole.steps, whole.consumed, whole.input_sha256, whole.snapshot.host,
        )  # fmt: skip
        assert found.pending == b"" and found.delivered == len(self.output)


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Setting:
    folder = tmp_path_factory.mktemp("work")
    (folder / "work.sasm").write_text(WORK)
    return Setting(folder, str(folder / "work.sasm"), DATA)


@pytest.fixture(scope="module")
def echo(tmp_path_factory) -> Setting:
    """A RISC-V program: its host has the end of the heap, and reads and writes for it."""
    program = str(ROOT / "programs/rv32i/echo.s")
    return Setting(tmp_path_factory.mktemp("echo"), program, b"able was I ere I saw\n" * 20)


def kill_often(
    setting: Setting, folder: Path, every: int, kills: int, seed: int, longest: float
) -> int:
    """Run again and again, killed at random times, until there were so many kills."""
    generator = seeds.rng(seed)
    done = runs = 0
    while done < kills:
        run = folder / f"run {runs}"
        runs += 1
        run.mkdir()
        state, output = run / "run.state", append(run / "output")
        steps, code = 0, KILLED
        while code == KILLED:
            seconds = generator.uniform(0, longest) if done < kills else None
            code = live(setting.command(state, every), setting.data, output, seconds)
            done += code == KILLED
            if state.exists():
                now = setting.checkpoint(state).steps
                assert now >= steps
                steps = now
        os.close(output)
        assert code == 0
        setting.check(state, (run / "output").read_bytes())
    return done


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before_call(owner: type, name: str, count: int, last: Callable[[object], None]) -> None:
    """Have the process killed in the `count`th call of a method, after `last` of its object."""
    original, calls = getattr(owner, name), 0

    def method(self: object) -> None:
        nonlocal calls
        calls += 1
        if calls == count:
            last(self)
            die()
        original(self)

    setattr(owner, name, method)


def nothing(_: object) -> None:
    """Killed at once."""


def half(output: Output) -> None:
    """Killed while it hands over."""
    os.write(1, output.kept[: len(output.kept) // 2])


MOMENTS: dict[str, tuple[type, str, int, Callable[..., None]]] = {
    "before the first rename": (Replacement, "commit", 3, nothing),
    "before the output": (Output, "deliver", 3, nothing),
    "within the output": (Output, "deliver", 3, half),
    "after the output": (Output, "sync", 3, nothing),
    "before the last rename": (Replacement, "commit", 4, nothing),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_nothing_is_lost_or_repeated_in_a_file(
    moment: tuple[type, str, int, Callable[..., None]], work: Setting, tmp_path: Path
) -> None:
    """Whenever it happens, of the few moments that differ, in the third checkpoint."""
    state, output = tmp_path / "a.state", append(tmp_path / "output")
    command = work.command(state, 3000)
    code = live(command, work.data, output, sabotage=lambda: before_call(*moment))
    assert code == KILLED and state.exists()
    assert live(work.command(state, 3000), work.data, output) == 0
    os.close(output)
    work.check(state, (tmp_path / "output").read_bytes())


def test_a_pipe_may_get_the_bytes_of_one_checkpoint_twice_but_loses_none(
    work: Setting, tmp_path: Path
) -> None:
    """Nobody can tell a resumed run what became of them."""
    state = tmp_path / "a.state"
    outputs = []
    for moment in (MOMENTS["after the output"], None):
        reader, writer = os.pipe()
        command = work.command(state, 3000)
        sabotage = (lambda m: lambda: before_call(*m))(moment) if moment else lambda: None
        assert live(command, work.data, writer, sabotage=sabotage) == (KILLED if moment else 0)
        os.close(writer)
        with open(reader, "rb") as pipe:
            outputs.append(pipe.read())
    first, second = outputs
    assert work.output.startswith(first) and work.output.endswith(second)
    assert 0 < len(first) + len(second) - len(work.output) < len(first)


def test_a_run_survives_kills(work: Setting, tmp_path: Path) -> None:
    assert kill_often(work, tmp_path, every=2000, kills=3, seed=1, longest=0.8) == 3


@pytest.mark.slow
def test_a_run_survives_a_hundred_kills(work: Setting, tmp_path: Path) -> None:
    assert kill_often(work, tmp_path, every=500, kills=100, seed=2, longest=0.8) == 100


@pytest.mark.slow
def test_a_riscv_run_survives_kills(echo: Setting, tmp_path: Path) -> None:
    assert kill_often(echo, tmp_path, every=20, kills=20, seed=3, longest=2.0) == 20
