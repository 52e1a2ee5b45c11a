"""One checkpoint runs every FLEQ program, with any number of workers, as accurately as promised."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import numpy as np
import pytest

from looped import api
from looped.artefact.checkpoint import load_machine, save_machine
from looped.artefact.plan import CompiledMachine
from looped.engines.engine import Engine
from tests.programs.fleq import Run, execute_in_weights, source, with_constant, with_matrix
from tests.programs.float64 import (
    Network,
    check_newton,
    iris_in_float64,
    learned,
    random_matrix,
    xor_in_float64,
    xor_text,
)
from tests.programs.headers import Program, fleq_programs

WORKERS = (1, 4, 16, 64)
SMALL = ("calculator", "gram_schmidt", "life")


@functools.cache
def machine(memory: int) -> CompiledMachine:
    return api.compile_machine("fleq", memory=memory)


@functools.cache
def engine(memory: int, workers: int, kind: str) -> Engine:
    return api.choose_engine(machine(memory).with_workers(workers), kind)


def run(text: str, workers: int, memory: int = 2048, kind: str = "lifted") -> Run:
    """A source in weights; the one engine of its kind gets one program after the other."""
    chosen = engine(memory, workers, kind)
    result = execute_in_weights(text, machine(memory).with_workers(workers), chosen)
    assert chosen.fallbacks == 0
    return result


def weights_of(compiled: CompiledMachine) -> str:
    """SHA-256 of all weights, with their names."""
    found = hashlib.sha256()
    for name, weight in sorted(compiled.weights.items()):
        found.update(name.encode() + weight.contiguous().numpy().tobytes())
    return found.hexdigest()


def check_programs(programs: list[Program], workers: int, memory: int, kind: str) -> None:
    before = weights_of(machine(memory))
    for program in programs:
        found = run(program.path.read_text(), workers, memory, kind)
        assert (found.text.encode(), found.steps) == (program.output, program.steps), program.path
    assert weights_of(machine(memory)) == before


@pytest.mark.parametrize(
    ("workers", "names"),
    [(4, SMALL[:1]), *(pytest.param(n, SMALL, marks=pytest.mark.slow) for n in WORKERS)],
)
def test_one_checkpoint_runs_small_programs(workers: int, names: tuple[str, ...]) -> None:
    programs = [program for program in fleq_programs() if program.path.stem in names]
    assert len(programs) == len(names)
    check_programs(programs, workers, 512, "event")


@pytest.mark.slow
@pytest.mark.parametrize("workers", WORKERS)
def test_one_checkpoint_runs_all_programs(workers: int) -> None:
    check_programs(fleq_programs(), workers, 2048, "lifted")


@pytest.mark.slow
def test_a_file_has_the_same_weights_for_any_number_of_workers(tmp_path: Path) -> None:
    found = set()
    for workers in WORKERS:
        save_machine(tmp_path / "fleq.safetensors", machine(512).with_workers(workers))
        found.add(weights_of(load_machine(tmp_path / "fleq.safetensors")[0]))
    assert found == {weights_of(machine(512))}


@pytest.mark.slow
def test_newton_is_as_good_as_words_can_be_and_as_fast_as_float64() -> None:
    texts = [source("newton8")]
    texts += [
        with_matrix(texts[0], "A", random_matrix(seed, 8, condition))
        for seed in range(5)
        for condition in (10, 100)
    ]
    for text in texts:
        check_newton(text, run(text, 8))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 7))
def test_xor_is_learned_from_the_seeds_that_float64_learns(seed: int) -> None:
    text = xor_text(10, seed)
    found, (net, _) = run(text, 8), xor_in_float64(text, 10)
    assert net.distance([found.matrix(name) for name in Network.names]) <= 5e-4
    text = xor_text(400, seed)
    assert learned(xor_in_float64(text, 400)[1])
    assert learned(np.array([float(line) for line in run(text, 8).text.splitlines()[:4]]))


@pytest.mark.slow
def test_iris_is_recognised_as_in_float64() -> None:
    text = with_constant(source("iris"), "EPOCHS", -19)
    assert run(text, 8).text == f"{iris_in_float64(text, 20)[1]}\n"
