"""Commands on a machine with parameters and workers, whose instructions take many loops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import looped.api
from looped.artefact.checkpoint import save_machine
from tests.cli.test_cli import looped as command
from tests.conftest import compiled

pytestmark = pytest.mark.usefixtures("kept")

ROOT = Path(__file__).parents[2]
TEXT = """
        matmul  A, B -> C
        print   C
        div     A, B -> C if k <= 0 goto end
end:    halt
.machine fleq
.side 2
.matrix A 2x2 2 1 1 3
.matrix B 2x2 1 0 -0.5 1
.zeros C 2x2
.scalar k 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program as `p.fleq` and compiled as `p.safetensors`; `trap.safetensors` traps."""
    path = tmp_path_factory.mktemp("fleq")
    for name, text in (("p", TEXT), ("trap", TEXT.replace("halt", "jmp A"))):
        (path / f"{name}.fleq").write_text(text.replace("jmp A", "copy 0 -> k"))
        image = looped.api.assemble(path / f"{name}.fleq")
        save_machine(path / f"{name}.safetensors", compiled("fleq", 32, 64, side=2), image)
    stores = TEXT.replace("print   C", "copy 1 -> C[*]\n next C")
    (path / "p-stores.fleq").write_text(stores)
    return path


@pytest.mark.parametrize("workers", [1, 4])
def test_a_program_runs_with_any_number_of_workers(folder: Path, workers: int) -> None:
    program = folder / "p.safetensors"
    result = command("run", program, "--engine", "event", "--workers", workers, "--json")
    summary = json.loads(result.stdout)
    assert (summary["output"], summary["steps"]) == ("1.5 1\n-0.5 3\n", 4)


def test_a_trap_is_told_with_its_place(folder: Path) -> None:
    result = command("run", folder / "trap.safetensors", "--engine", "event")
    assert result.exit_code == 7
    assert "error: trap at 24 (" in result.stderr
    assert "trap.fleq:8): no function has the number 0" in result.stderr


def test_a_run_that_stops_early_says_where_in_its_language(folder: Path) -> None:
    result = command("run", folder / "p.safetensors", "--engine", "event", "--steps", 2)
    assert result.exit_code == 6
    assert "p.fleq:4): div [24](i,j), [28](i,j) -> [32] 2x2 if [36] <= 0 goto 18" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run", "{p}.safetensors", "--set", "side=4"), 2, "compiled with --set side=2, not"),
        (("run", "{p}.safetensors", "--set", "x=4"), 2, "is compiled without --set x=4"),
        (("run", "{p}.safetensors", "--workers", 3), 5, "a power of two from 1 to 4"),
        (("info", "{p}.safetensors", "--workers", 8), 5, "a power of two from 1 to 4"),
        (("asm", "{p}.fleq", "--set", "side=3"), 5, "cannot have a side of 3"),
        (("asm", "{p}.fleq", "--set", "side"), 2, "'side' is not NAME=NUMBER, as in side=4."),
        (("run", "{p}.fleq", "--memory", 32), 5, "the program has"),
        (("compile", "--bake", "{p}-stores.fleq"), 5, "stores.fleq:3), to the address of its"),
        (("run", "{p}.fleq", "--dtype", "bfloat16"), 5, "cannot be compiled for bfloat16"),
        (("run", "{p}.fleq", "--machine", "subleq"), 3, "error: "),
        (("prove", "fleq"), 8, "there is no proof for fleq"),
    ],
)
def test_what_is_impossible_is_refused(
    folder: Path, arguments: tuple[object, ...], code: int, message: str
) -> None:
    result = command(*(str(word).format(p=folder / "p") for word in arguments))
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


def test_help_names_the_parameters() -> None:
    text = " ".join(command("compile", "--help").stdout.split())
    assert "fleq has fraction (bits after the point) and side" in text


@pytest.mark.slow
def test_a_program_is_baked(folder: Path) -> None:
    path = folder / "baked.safetensors"
    assert command("compile", "--bake", folder / "p.fleq", "-o", path).exit_code == 0
    assert json.loads(command("info", path, "--json").stdout)["program"] == "baked"
    for workers in (1, 4):
        result = command("run", path, "--engine", "event", "--workers", workers, "--trace")
        assert result.stdout == "1.5 1\n-0.5 3\n"
        assert "div [24](i,j), [28](i,j) -> [32] 2x2" in result.stderr
    assert command("verify", path, "--engine", "event", "--steps", 1).exit_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["newton4", "calculator", "life"])
def test_programs_print_what_their_headers_say(name: str) -> None:
    from tests.programs.headers import fleq_programs

    program = next(p for p in fleq_programs() if p.path.stem == name)
    result = command("run", program.path, "--workers", 64, "--engine", "event")
    assert result.stdout.encode() == program.output


@pytest.mark.slow
def test_random_programs_are_equal_and_counted() -> None:
    small = ("--machine", "fleq", "--set", "side=2", "--engine", "event", "--json")
    for workers in (1, 4):
        result = command("verify", "--fuzz", 48, "--workers", workers, *small)
        report = json.loads(result.stdout)
        assert report["equal"] and report["steps"] > 400
        assert len(report["classes"]) > 50
