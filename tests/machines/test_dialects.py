"""SUBLEQ as other authors define it: the same in weights and reference, chosen by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from looped import api
from looped.artefact.checkpoint import load_machine
from looped.cli.main import cli
from looped.engines.event import EventEngine
from looped.errors import CompileError
from looped.verify.fuzz import fuzz
from looped.verify.lockstep import lockstep
from tests.conftest import compiled

DIALECTS = [
    {"order": 1, "input": 1},
    pytest.param({"order": 1}, marks=pytest.mark.slow),
    pytest.param({"input": 1}, marks=pytest.mark.slow),
]

PROGRAMS = {
    "": ("-1 9 3  9 -1 6  10 10 -1  5 0", "A"),
    "target-first": ("9 -1 3  -1 9 6  10 10 -1  5 0", "A"),
    "input-added": ("-1 9 3  9 -1 6  10 10 -1  5 0", "F"),
    "target-first,input-added": ("9 -1 3  -1 9 6  10 10 -1  5 0", "F"),
}
"""Each reads a byte into a word that holds 5, writes the word and halts."""


def looped(*arguments: object, data: str = "") -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)], input=data)


@pytest.mark.parametrize("dialect", PROGRAMS)
def test_a_program_of_numbers_runs_in_its_dialect(dialect: str, tmp_path: Path) -> None:
    numbers, output = PROGRAMS[dialect]
    path = tmp_path / "echo"
    path.write_text(f"# reads, writes, halts\n{numbers}\n")
    result = looped("run", path, "--dialect", dialect, "--width", 8, data="A")
    assert (result.exit_code, result.stdout) == (0, output), result.stderr


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_weights_are_those_of_the_reference(dialect: dict[str, int]) -> None:
    made = compiled("subleq", 8, 32, **dialect)
    engine = EventEngine(made)
    found = fuzz(made, engine, 16, seed=3)
    assert found.failure is None and engine.fallbacks == 0
    assert found.coverage.classes["byte in"] > 0
    assert api.certify(made).certified("float32")


@pytest.mark.parametrize("dialect", list(PROGRAMS)[1:])
def test_a_baked_program_keeps_its_dialect(dialect: str, tmp_path: Path) -> None:
    (tmp_path / "t.dec").write_text(PROGRAMS[dialect][0])
    compiled_to = tmp_path / "t.safetensors"
    done = looped(
        "compile", tmp_path / "t.dec", "--bake", "--dialect", dialect, "-o", compiled_to,
        "--width", 8,
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert looped("run", compiled_to, data="A").stdout == PROGRAMS[dialect][1]
    machine, image = load_machine(compiled_to)
    assert image is not None
    assert lockstep(machine, EventEngine(machine), [image], [b"A"]).outputs == (
        PROGRAMS[dialect][1].encode(),
    )


def test_a_program_runs_on_no_machine_of_another_dialect(tmp_path: Path) -> None:
    (tmp_path / "t.dec").write_text(PROGRAMS["target-first"][0])
    image = api.assemble(tmp_path / "t.dec", width=8, parameters={"order": 1})
    usual = compiled("subleq", 8, 32)
    with pytest.raises(CompileError, match="needs a machine with order 1, and this one has 0"):
        lockstep(usual, EventEngine(usual), [image], [b""])


def test_what_has_no_dialects_says_so(tmp_path: Path) -> None:
    (tmp_path / "t.dec").write_text("0 0 -1")
    (tmp_path / "t.sasm").write_text("halt\n")
    unknown = looped("run", tmp_path / "t.dec", "--dialect", "other")
    assert unknown.exit_code == 2
    assert "subleq has no dialect 'other'. It has target-first: order, 1 if" in unknown.stderr
    source = looped("run", tmp_path / "t.sasm", "--dialect", "target-first")
    assert source.exit_code == 5
    assert "t.sasm is assembly, which has one dialect: no other order" in source.stderr
    none = looped("run", tmp_path / "t.dec", "--machine", "fleq", "--dialect", "target-first")
    assert none.exit_code == 2 and "It has no dialects." in none.stderr
