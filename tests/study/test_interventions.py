"""ablate, patch, noise: what they change, and what lockstep says of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from looped import study
from looped.artefact.embedding import embed, read_word
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.engines.event import EventEngine
from looped.image import Image
from looped.study import parts
from looped.study.interventions import without
from looped.verify.lockstep import Mismatch, lockstep
from tests import seeds
from tests.conftest import compiled

IMAGE = Image("subleq", 16, (9, 10, 3, 9, 11, 0, 0, 0, 0, 5, 12, 50))
"""mem[10] becomes 12 - 5, mem[11] becomes 50 - 5."""


def machine() -> CompiledMachine:
    return compiled("subleq", 16, 32)


def result(changed: CompiledMachine, hooks: dict = {}) -> int:  # noqa: B006
    """mem[10] after one loop."""
    engine = DenseEngine(changed)
    engine.load(embed(IMAGE.words, changed.plan)[None])
    with engine.model.hooks(hooks):
        engine.step()
    return int(read_word(engine.state()[0, 10, list(changed.plan.words["value"])]))


def test_without_a_head_its_word_is_zero() -> None:
    assert result(machine()) == 7
    assert result(study.ablate(machine(), head="mem_a")) == 12
    assert result(study.ablate(machine(), head="mem_b")) == 65536 - 5
    assert result(study.ablate(machine(), head="a")) == 12 - 9  # mem[0]
    assert result(study.ablate(machine(), group="subtracting")) == 12
    assert result(study.ablate(machine(), group="result")) == 0


@pytest.mark.parametrize("name", ["subleq", pytest.param("rv32i", marks=pytest.mark.slow)])
def test_hooks_and_weights_take_the_same_part_out(name: str) -> None:
    whole = compiled(name, {"subleq": 16, "rv32i": 32}[name], 32)
    rng = seeds.generator(0)
    words = [int(word) for word in rng.integers(0, 1 << 16, 32)]
    x = torch.tensor(embed(words, whole.plan)[None]).float()
    model = whole.model()
    some = list(parts(whole.plan))
    for part in some if name == "subleq" else some[::9]:
        kind = "head" if isinstance(part, study.Head) else "group"
        changed = study.ablate(whole, **{kind: part.name}, block=part.block).model()
        with model.hooks(without(part)):
            torch.testing.assert_close(model(x), changed(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", [DenseEngine, pytest.param(EventEngine, marks=pytest.mark.slow)])
def test_lockstep_names_the_first_wrong_word_of_an_ablated_machine(kind) -> None:
    changed = study.ablate(machine(), head="mem_a")
    with pytest.raises(Mismatch) as caught:
        lockstep(changed, kind(changed), [IMAGE], [b""], 2)
    difference = caught.value.difference
    assert (difference.step, difference.place) == (1, "mem[10], word `value`,")
    assert (difference.found, difference.expected) == ("12", "7")


def test_a_part_that_a_program_does_not_need_can_be_missing() -> None:
    changed = study.ablate(machine(), group="waiting")
    assert lockstep(changed, DenseEngine(changed), [IMAGE], [b""], 4).steps == 4


def test_a_patch_gives_a_head_what_it_read_in_another_run() -> None:
    other = list(IMAGE.words)
    other[9] = 3
    cache = study.run_with_cache(machine(), embed(other, machine().plan))
    assert result(machine(), study.patch(cache, head="mem_a")) == 12 - 3
    assert result(machine(), study.patch(cache, group="result")) == 9
    assert result(machine(), study.patch(cache, head="mem_b")) == 7  # the same in both runs


def test_a_patch_takes_the_loop_that_it_is_given() -> None:
    cache = study.run_with_cache(machine(), embed(IMAGE.words, machine().plan), loops=2)
    assert result(machine(), study.patch(cache, head="mem_b", loop=1)) == 50 - 5
    assert result(machine(), study.patch(cache, head="mem_b", loop=0)) == 7


def test_noise_is_of_its_scale_and_of_its_seed() -> None:
    plan = machine().plan
    x = torch.tensor(embed(IMAGE.words, plan)[None]).float()
    model = machine().model()
    name = "blocks.1.attn.hook_z"

    def drawn(seed: int, scale: float) -> np.ndarray:
        with model.hooks(study.noise(plan, head="mem_a", scale=scale, seed=seed)):
            noisy = model.run_with_cache(x)[1][name]
        return (noisy - model.run_with_cache(x)[1][name]).numpy()

    one = drawn(1, 0.5)
    assert not one[:, :, 1:].any() and one[:, :, 0].all()
    assert 0.4 < one[:, :, 0].std() < 0.6
    assert np.array_equal(one, drawn(1, 0.5)) and not np.array_equal(one, drawn(2, 0.5))
    assert not drawn(1, 0.0).any()


def test_noise_below_the_margin_of_a_threshold_is_a_mismatch_all_the_same() -> None:
    engine = DenseEngine(machine())
    hooks = study.noise(machine().plan, group="result", scale=1e-3)
    with engine.model.hooks(hooks), pytest.raises(Mismatch):
        lockstep(machine(), engine, [IMAGE], [b""], 2)
