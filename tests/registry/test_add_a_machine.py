"""A machine from outside `looped`, by one registration: the example of docs/add-a-machine.md."""

from __future__ import annotations

import dataclasses
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import looped
import looped.api
from looped import registry
from looped.artefact.plan import CompiledMachine
from looped.circuit.signals import literal
from looped.cli.main import cli
from looped.engines.dense import DenseEngine
from looped.errors import CompileError, ProofError
from looped.image import Image
from looped.passes.emit import compile_circuit
from looped.verify.fuzz import fuzz
from looped.verify.lockstep import Mismatch, lockstep
from tests.engines.faults import faults
from tests.registry.add_a_machine import blocks, machine_text, registered
from tests.registry.addleq_proof import prover_cases

ENGINES = ("dense", "event", "lifted")
SMALL = ("--width", "8", "--memory", "32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with registered(tmp_path_factory.mktemp("addleq")) as path:
        yield path


@pytest.fixture(scope="module")
def machine(folder: Path) -> CompiledMachine:
    return compile_circuit(registry.machine("addleq").circuit(8, 32))


def image_of(folder: Path) -> Image:
    return looped.api.assemble(folder / "multiply.addleq", width=8)


def test_the_page_runs_as_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = sum(bool(line.strip()) for line in machine_text().splitlines())
    assert lines <= 80
    (folder / "use.py").write_text(blocks("python")[-1])
    monkeypatch.chdir(folder)
    runpy.run_path("use.py")
    assert capsys.readouterr().out == "[3, 6, 9, 12]\n12 steps equal\nTrue\n"


@pytest.mark.parametrize("name", ENGINES)
def test_a_program_runs_on_every_engine(name: str, folder: Path, machine: CompiledMachine) -> None:
    engine = looped.api.ENGINES[name](machine, "float32", "cpu", True)
    image = image_of(folder)
    trace = looped.run(machine, image, engine=engine)
    assert trace.halted
    sums = [w.value for s in trace for w in s.writes if w.address == image.symbols["sum"]]
    assert sums == [3, 6, 9, 12]


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_is_the_reference_in_lockstep(
    name: str, folder: Path, machine: CompiledMachine
) -> None:
    engine = looped.api.ENGINES[name](machine, "float32", "cpu", True)
    verdict = lockstep(machine, engine, [image_of(folder)], [b""])
    assert verdict.halted and verdict.steps == 12


def test_it_is_certified(machine: CompiledMachine) -> None:
    assert looped.certify(machine).certified("float32")


def test_random_programs_of_its_profile_come_to_every_class(machine: CompiledMachine) -> None:
    coverage = fuzz(machine, looped.api.choose_engine(machine, "event"), 40, seed=1).coverage
    assert coverage.programs == 40
    assert set(coverage.classes) == set(registry.fuzz_profile("addleq").classes(8, 32))


def test_wrong_weights_are_found_by_its_random_programs(machine: CompiledMachine) -> None:
    faulty = next(iter(faults(machine, 1)))
    assert fuzz(faulty, DenseEngine(faulty), 40, seed=1).failure is not None


def test_a_reference_that_differs_is_found(
    folder: Path, machine: CompiledMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["addleq"].Addleq, "halted", False)
    with pytest.raises(Mismatch):
        lockstep(machine, DenseEngine(machine), [image_of(folder)], [b""], steps=20)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "{program}", *SMALL, "--json"), '"halted": true, "steps": 12, "pc": 255'),
        (("run", "{program}", "--width", "8", "--engine", "event", "--json"), '"steps": 12'),
        (("verify", "{program}", *SMALL), "equal. 12 steps until it halted"),
        (("verify", "--fuzz", "8", "--machine", "addleq", *SMALL), "8 programs equal"),
        (("certify", "addleq", *SMALL), "addleq: certified in float64, float32"),
        (("info", "addleq", *SMALL), "addleq"),
        (("asm", "{program}", "--format", "dec"), "12\n16\n3\n13\n14\n9\n"),
    ],
)
def test_the_commands_know_it(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    words = [word.format(program=folder / "multiply.addleq") for word in arguments]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    assert told in result.stdout


def test_a_run_that_stops_early_says_where_in_its_language(folder: Path) -> None:
    program = str(folder / "multiply.addleq")
    result = CliRunner().invoke(cli, ["run", program, *SMALL, "--steps", "2"])
    assert result.exit_code == 6
    assert "multiply.addleq:3): addleq 15, 15, 0" in result.stderr


def test_what_it_does_not_register_is_refused_in_a_line(folder: Path) -> None:
    with pytest.raises(CompileError, match="addleq programs cannot be baked into the weights"):
        looped.compile(image_of(folder), bake=True)
    from looped.verify.prove.prover import prove

    with pytest.raises(ProofError, match="there is no proof for addleq"):
        prove(registry.machine("addleq").circuit(8, 32))


@pytest.fixture
def provable(folder: Path) -> Iterator[None]:
    """The machine with the cases of a proof, registered in its place."""
    plain = registry.machine("addleq")
    registry.unregister("addleq")
    registry.register(dataclasses.replace(plain, prover_cases=prover_cases))
    yield
    registry.unregister("addleq")
    registry.register(plain)


def test_its_circuit_is_proved_to_be_its_reference(provable: None) -> None:
    result = CliRunner().invoke(cli, ["prove", "addleq", *SMALL])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("addleq, 8 bits, 32 words: the circuit is the manual.")


def test_a_wrong_circuit_is_refuted(provable: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["addleq"], "nonpositive", lambda word: literal(word.sign))
    result = CliRunner().invoke(cli, ["prove", "addleq", *SMALL])
    assert result.exit_code == 8
    assert "error: addleq is not its manual: running, path " in result.stderr
    assert "hint: on the weights, after one loop: cpu, pc is 0x" in result.stderr


def test_a_name_is_registered_once_and_is_free_afterwards(tmp_path: Path) -> None:
    subleq = registry.machine("subleq")
    with pytest.raises(CompileError, match="a machine named `subleq` is registered already"):
        registry.register(subleq)
    assert registry.machine("subleq") is subleq
    with pytest.raises(CompileError, match="no machine named `nosuch`"):
        registry.unregister("nosuch")
