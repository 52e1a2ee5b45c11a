"""TransformerLens and nnsight see what `looped` sees, and a patch there does what it does here."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from looped import study
from looped.artefact.embedding import embed, read_word
from looped.artefact.plan import CompiledMachine
from looped.study.lens import arguments, bridge, llama
from tests.conftest import compiled

pytest.importorskip("transformers")

WORDS = (9, 10, 6, 0, 0, 0, 0, 0, 0, 5, 12)
"""mem[10] becomes 12 - 5."""

OTHER = (9, 10, 6, 0, 0, 0, 0, 0, 0, 3, 12)
"""The same with another word in mem[9]."""


def machine() -> CompiledMachine:
    return compiled("subleq", 16, 32)


def stream(words: tuple[int, ...]) -> Tensor:
    return torch.tensor(embed(words, machine().plan)[None]).float()


def result(x: Tensor) -> int:
    """mem[10] in a residual stream (1, columns, d_model)."""
    return int(read_word(x[0, 10, list(machine().plan.words["value"])].numpy()))


@torch.inference_mode()
def test_the_stock_llama_of_a_machine_is_the_machine() -> None:
    x, model = stream(WORDS), llama(machine())
    out = model.model(inputs_embeds=x, use_cache=False, **arguments(machine().plan))
    assert torch.equal(out.last_hidden_state, machine().model()(x))


@torch.inference_mode()
def test_transformer_lens_has_the_same_activations_to_the_bit() -> None:
    pytest.importorskip("transformer_lens")
    model = bridge(machine())
    _, theirs = model.run_with_cache(stream(WORDS), **arguments(machine().plan))
    _, ours = machine().model().run_with_cache(stream(WORDS))
    assert len(ours) == 14 * 3
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


@torch.inference_mode()
def test_a_patch_in_transformer_lens_changes_the_word_that_the_instruction_writes() -> None:
    pytest.importorskip("transformer_lens")
    model, settings = bridge(machine()), arguments(machine().plan)
    name, last = "blocks.1.attn.hook_z", "blocks.2.hook_resid_post"
    _, other = model.run_with_cache(stream(OTHER), **settings)
    found = {}

    def patch(z: Tensor, hook: object) -> Tensor:
        z[:, :, 0] = other[name][:, :, 0]
        return z

    def keep(x: Tensor, hook: object) -> None:
        found["x"] = x

    model.run_with_hooks(stream(WORDS), fwd_hooks=[(name, patch), (last, keep)], **settings)
    assert result(found["x"]) == 12 - 3
    cache = study.run_with_cache(machine(), embed(OTHER, machine().plan))
    own = machine().model()
    with own.hooks(study.patch(cache, head="mem_a")):
        assert torch.equal(own(stream(WORDS)), found["x"])


def test_a_patch_in_nnsight_changes_the_word_that_the_instruction_writes() -> None:
    nnsight = pytest.importorskip("nnsight")
    model, settings = nnsight.NNsight(llama(machine()).model), arguments(machine().plan)
    rows = slice(machine().plan.d_head)
    with torch.no_grad(), model.trace(inputs_embeds=stream(OTHER), **settings):
        other = model.layers[1].self_attn.o_proj.input[..., rows].clone().save()
    with torch.no_grad(), model.trace(inputs_embeds=stream(WORDS), **settings):
        model.layers[1].self_attn.o_proj.input[..., rows] = other
        x = model.output.last_hidden_state.save()
    assert result(x) == 12 - 3
