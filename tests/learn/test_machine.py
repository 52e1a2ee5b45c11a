"""States and loops of random programs, and a learned machine that sums as plain blocks do."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from looped.artefact.embedding import embed_words
from looped.errors import CompileError
from looped.learn.harness import Plan, Schedule, train
from looped.learn.machine.hints import Hints, words_read
from looped.learn.machine.job import MachineJob
from looped.learn.machine.model import LearnedMachine
from looped.learn.machine.report import looped, report
from looped.learn.machine.samples import KINDS, Sampler
from looped.learn.machine.states import States
from tests.conftest import compiled


def test_the_compiled_machine_executes_every_sampled_loop() -> None:
    machine = compiled("subleq", 8, 32)
    for ports in (0.0, 1.0):
        sampler = Sampler(machine.plan, 0, ports)
        loops = sampler.take(150)
        before, after = map(sampler.states.streams, (loops.before, loops.after))
        with torch.no_grad():
            found = machine.model()(torch.from_numpy(before).float()).numpy()
        assert (found == after).all()
        assert set(loops.kinds.tolist()) >= {0, 1, 2, 5}


def test_a_seed_determines_the_loops() -> None:
    plan = compiled("subleq", 8, 32).plan
    first, again, other = (Sampler(plan, seed).take(40) for seed in (1, 1, 2))
    assert np.array_equal(first.before, again.before)
    assert not np.array_equal(first.before, other.before)


def test_more_programs_begin_with_input_or_output() -> None:
    plan = compiled("subleq", 8, 32).plan
    few, many = (np.isin(Sampler(plan, 0, p).take(300).kinds, (2, 3)).sum() for p in (0.0, 1.0))
    assert many > 2 * few > 0


def test_hints_are_the_words_that_a_loop_subtracts() -> None:
    plan = compiled("subleq", 8, 32).plan
    loops = Sampler(plan, 0).take(300)
    fetched, read = words_read(plan, loops.before)
    rows = np.flatnonzero(loops.kinds < 2)
    written = loops.after[rows, fetched[rows, 1] % plan.memory]
    assert len(rows) > 100 and np.array_equal(written, (read[rows, 1] - read[rows, 0]) & 255)


def test_hints_have_no_loss_when_a_linear_map_gives_the_words() -> None:
    plan = compiled("subleq", 8, 32).plan
    rows = Sampler(plan, 1).take(20).before
    hints = Hints(plan, width=24)
    words = [np.pad(embed_words(w, 8).reshape(20, -1), ((0, 0), (0, 24 - 8 * w.shape[1])))
             for w in words_read(plan, rows)]  # fmt: skip
    with torch.no_grad():
        for read in hints.maps:
            assert isinstance(read, nn.Linear)
            read.weight.copy_(9 * torch.eye(len(read.weight), 24))
            read.bias.zero_()
        between = [torch.from_numpy(w).float() for w in words]
        assert hints.loss(between, rows, 1.0) < 0.01 < 100 < hints.loss(between[::-1], rows, 1.0)


def test_a_machine_with_registers_is_refused() -> None:
    with pytest.raises(CompileError, match="subleq is not such a machine"):
        States(dataclasses.replace(compiled("subleq", 8, 32).plan, n_registers=1))


def test_the_model_is_its_plain_blocks() -> None:
    machine = compiled("subleq", 8, 32)
    torch.manual_seed(0)
    model = LearnedMachine(machine.plan, width=96, reads=2, heads=2, units=16)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
        sampler = Sampler(machine.plan, 3)
        x = torch.from_numpy(sampler.states.streams(sampler.take(20).before)).float()
        assert torch.allclose(model(x), plain(model, x), atol=1e-4)


def plain(model: LearnedMachine, x: Tensor) -> Tensor:
    """The same by the blocks themselves: the lanes that the model predicts."""
    cpu, whole = model.plan.cpu, pad(x, (0, model.width - x.shape[-1]))
    moved = whole[:, cpu : cpu + 1]
    for block in model.reads:
        moved = block(moved, context=whole[:, model.others])
    whole = torch.cat([whole[:, :cpu], moved, whole[:, cpu + 1 :]], 1)
    after, result = model.write(whole), x.clone()
    result[:, cpu] = after[:, cpu, : x.shape[-1]]
    result[:, [[c] for c in model.others], model.value] = after[:, model.others][..., model.value]
    return result


def test_a_short_run_fills_the_report() -> None:
    machine = compiled("subleq", 8, 32)
    for hints in (False, True):
        job = MachineJob(machine, seed=0, hints=hints, reads=2, heads=2, units=16)
        metrics = train(job, Plan(Schedule(2, 1e-3), every=2))
        text = report(machine, job, metrics, runs=4, most=3)
        assert all(kind in text for kind in KINDS) and "| compiled |" in text
        assert text.count("100%") == len(KINDS)


def test_the_compiled_machine_has_no_wrong_bit_and_a_copy_has_one_at_once() -> None:
    machine = compiled("subleq", 8, 32)
    sampler = Sampler(machine.plan, 5)
    taken = sampler.take(60)
    moving = taken.before[np.flatnonzero(taken.kinds < 4)[:8]]
    x = torch.from_numpy(sampler.states.streams(moving)).float()
    for snap in (False, True):
        assert looped(machine, machine.model(), x, snap, 10).right == 8
        assert looped(machine, lambda state: state, x, snap, 10).mean == 0
