"""Machine code from the cache runs as the code that was just made, and only where it fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from looped.artefact.embedding import embed, embed_compact
from looped.artefact.plan import CompiledMachine
from looped.artefact.residual import Residuals
from looped.cache.store import Cache
from looped.engines.dense import DenseEngine
from looped.engines.lifted import LiftedEngine, kept, programs
from looped.errors import CompileError
from looped.verify.translation import prove_small_lifts
from tests.conftest import compiled

WORDS = [9, 10, 6, 0, 0, 0, 9, 10, 0, 5, 3]
MACHINE = compiled("subleq", 8, 32)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("LOOPED_CACHE", str(tmp_path))
    return Cache(tmp_path)


def after(engine, machine: CompiledMachine = MACHINE, loops: int = 40) -> np.ndarray:
    engine.load(embed(WORDS, machine.plan)[None])
    engine.step(loops)
    return engine.state()


def code_is_made(monkeypatch: pytest.MonkeyPatch, machine: CompiledMachine = MACHINE) -> bool:
    """Whether a run lifts the weights; in any case it ends as the dense engine does."""
    made = []
    right = programs.lift
    monkeypatch.setattr(programs, "lift", lambda found: made.append(found) or right(found))
    engine = LiftedEngine(machine)
    assert np.array_equal(after(engine, machine), after(DenseEngine(machine), machine))
    assert engine.fallbacks == 0
    monkeypatch.setattr(programs, "lift", right)
    return bool(made)


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_the_second_run_lifts_nothing(monkeypatch, workers: int) -> None:
    machine = MACHINE
    if workers:
        machine = compiled("fleq", 32, 32, side=2).with_workers(workers)
    assert code_is_made(monkeypatch, machine)
    assert not code_is_made(monkeypatch, machine)


def test_other_weights_have_other_code(monkeypatch) -> None:
    assert code_is_made(monkeypatch)
    name = "layers.1.mlp.gate_proj.weight"
    other = {**MACHINE.weights, name: MACHINE.weights[name].clone()}
    assert not code_is_made(monkeypatch, CompiledMachine(MACHINE.plan, other))
    other[name][-1] = 0
    assert LiftedEngine(CompiledMachine(MACHINE.plan, other)).programs.ready is False


def test_another_processor_or_llvm_has_other_code(monkeypatch) -> None:
    assert code_is_made(monkeypatch)
    own = kept._processor()
    for place in range(len(own)):
        other = [*own[:place], "another", *own[place + 1 :]]
        monkeypatch.setattr(kept, "_processor", lambda other=other: other)
        assert not LiftedEngine(MACHINE).programs.ready
    monkeypatch.setattr(kept, "_processor", lambda: own)
    assert LiftedEngine(MACHINE).programs.ready


@pytest.mark.parametrize("content", [b"", bytes(100), None])
def test_an_entry_that_is_no_program_is_made_again(monkeypatch, cache: Cache, content) -> None:
    assert code_is_made(monkeypatch)
    (entry,) = cache.entries()
    if content is None:
        file = cache.path / entry.name
        damaged = bytearray(file.read_bytes())
        damaged[-100] ^= 1
        file.write_bytes(damaged)
    else:
        cache.put("lifted", entry.name.partition("-")[2], content)
    assert code_is_made(monkeypatch) and not code_is_made(monkeypatch)


def test_an_entry_holds_all_that_is_known_of_the_columns() -> None:
    engine = LiftedEngine(MACHINE)
    engine.load(Residuals([embed_compact(WORDS, MACHINE.plan)]))
    engine.step(1)
    (program,) = engine.programs.made
    again = kept.unpacked(kept.packed(program))
    assert program.known.positions and again is not None
    assert again.known.positions == program.known.positions
    assert np.array_equal(np.asarray(again.known), np.asarray(program.known))


def test_a_proof_is_of_code_that_is_made_now(monkeypatch) -> None:
    assert code_is_made(monkeypatch)
    engine, proved = LiftedEngine(MACHINE), []
    prove_small_lifts(engine)
    right = engine.programs.check
    engine.programs.check = lambda model, code: proved.append(code) or right(model, code)
    after(engine)
    assert len(proved) == 1 and proved[0].code.instructions
    assert not LiftedEngine(MACHINE, check=lambda model, code: None).programs.ready


def test_code_for_other_constants_is_not_used(monkeypatch) -> None:
    """The host makes the input column a second CPU, which nothing can lift."""
    assert code_is_made(monkeypatch)
    engine = LiftedEngine(MACHINE)
    assert engine.programs.ready
    engine.load(embed(WORDS, MACHINE.plan)[None])
    engine.write(0, MACHINE.plan.input, np.array(MACHINE.plan.words["cpu"]), [1])
    with pytest.raises(CompileError, match="several columns compute"):
        engine.step()


def test_a_fallback_makes_the_dense_engine(monkeypatch) -> None:
    assert code_is_made(monkeypatch)
    engine, dense = LiftedEngine(MACHINE), DenseEngine(MACHINE)
    assert engine.programs.ready
    for each in (engine, dense):
        each.load(embed(WORDS, MACHINE.plan)[None])
        each.write(0, MACHINE.plan.cpu, np.array([0]), [0.5])
        each.step(2)
    assert np.array_equal(engine.state(), dense.state()) and engine.fallbacks == 2
