"""The certificate of the encoder-decoder: it holds for the weights as they are, and no others."""

from __future__ import annotations

import functools
from collections.abc import Callable

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import Tensor

import looped
from looped.decoder import Spec
from looped.decoder.compare import Comparison
from looped.decoder.harvard import HarvardModel, Layout
from looped.errors import CompileError
from looped.reference import Subleq
from looped.verify.causal import HarvardCertificate, certify_harvard
from tests.conftest import examples
from tests.programs.headers import FOLDER

SMALL = Layout(Spec(width=8, memory=32, context=1024))
State = dict[str, Tensor]


@functools.cache
def weights(layout: Layout = SMALL) -> State:
    return dict(HarvardModel(layout).state_dict())


def model(change: Callable[[State], None], layout: Layout = SMALL) -> HarvardModel:
    state = {name: weight.clone() for name, weight in weights(layout).items()}
    change(state)
    made = HarvardModel(layout)
    made.load_state_dict(state)
    return made


def certificate(
    change: Callable[[State], None] = lambda state: None, layout: Layout = SMALL
) -> HarvardCertificate:
    return certify_harvard(model(change, layout))


@pytest.mark.parametrize(
    "layout",
    [
        SMALL,
        *(
            pytest.param(layout, marks=pytest.mark.slow)
            for layout in (
                Layout(Spec(width=8, memory=256, context=4096)),
                Layout(Spec(width=16, memory=64, context=1 << 15)),
                Layout(Spec(width=16, memory=512, context=2048)),
                Layout(Spec(width=8, memory=32, context=1024, order=1)),
            )
        ),
    ],
    ids=str,
)
def test_the_due_token_wins(layout: Layout) -> None:
    proof = certificate(layout=layout)
    assert [claim.fault for claim in proof.claims if not claim.holds] == []
    assert proof.certified and proof.margin >= 128


LANES = SMALL.lanes


def times(name: str, factor: float, *place: object) -> Callable[[State], None]:
    def change(state: State) -> None:
        state[name][place] *= factor

    return change


def swapped(name: str, a: int, b: int) -> Callable[[State], None]:
    def change(state: State) -> None:
        state[name][:, [a, b]] = state[name][:, [b, a]]

    return change


BROKEN = {
    "a norm": ("norms", times("decoder.1.norm.weight", 1.5, 3)),
    "a token": ("embedding", times("tokens", -1, 5, LANES["digit"][0])),
    "the first token": ("embedding", times("tokens", -1, 0, LANES["is_p"][0])),
    "an address": ("embedding", times("encoder_positions", -1, 9, LANES["address"][1])),
    "a time": ("embedding", times("decoder_positions", -1, 9, LANES["time"][1])),
    "a place": ("encoder", swapped("encoder.self_attn.k_proj.weight", *LANES["address"][:2])),
    "a copy": ("encoder", times("encoder.self_attn.o_proj.weight", 2)),
    "a kind": ("self-attention", times("decoder.0.self_attn.k_proj.weight", 0, 1)),
    "a clock": ("self-attention", times("decoder.0.self_attn.q_proj.weight", 0.5)),
    "a fetch": ("cross-attention", swapped("decoder.0.cross_attn.q_proj.weight", *LANES["pc"][:2])),
    "a difference": ("MLP", times("decoder.1.mlp.up_proj.weight", -1, 3)),
    "a read": (
        "self-attention",
        swapped("decoder.1.self_attn.k_proj.weight", *LANES["address"][:2]),
    ),
    "a word": ("cross-attention", times("decoder.1.cross_attn.q_proj.weight", 0.25)),
    "a logit": ("logits", times("unembedding", 0.25)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_each_claim_fails_alone(name: str) -> None:
    part, change = BROKEN[name]
    proof = certificate(change)
    assert not proof.certified and not proof.claims[-1].holds
    assert proof.claims[-1].part == part, proof.claims[-1].fault


def test_a_kind_that_is_not_asked_for_is_refused() -> None:
    proof = certificate(BROKEN["a kind"][1])
    assert not proof.certified and proof.claims[-1].part == "self-attention"


def test_a_program_counter_behind_the_end_of_memory_is_refused() -> None:
    with pytest.raises(CompileError, match="no program counter behind the end of memory"):
        Layout(Spec(width=8, memory=32, counter_bits=7))


@pytest.mark.slow
@examples(0.3, shrink=False)
@given(st.data())
def test_what_is_certified_runs(data: st.DataObject) -> None:
    """Whatever weight changes: the model is refused, or runs a program as before."""

    def change(state: State) -> None:
        matrix = state[data.draw(st.sampled_from(sorted(state)))]
        used = matrix.nonzero()
        place = tuple(data.draw(st.integers(0, size - 1)) for size in matrix.shape)
        if data.draw(st.booleans()):
            place = tuple(used[data.draw(st.integers(0, len(used) - 1))])
        old = float(matrix[place])
        new = [0.0, -old, 2 * old, old + 1, old - 0.5, old + 2.0**-12, old * (1 + 2.0**-22)]
        matrix[place] = data.draw(st.sampled_from(new))

    changed = model(change)
    if not certify_harvard(changed).certified:
        return
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    words = list(image.words)
    watch = Comparison(SMALL.vocabulary, Subleq(words, 8, 32), iter(b""))
    program, begin = SMALL.program(words), SMALL.begin(words, 0)
    with torch.inference_mode():
        found = changed.generate(program, begin, watch.answer, 200, watch.check)
    assert found[-1] == SMALL.vocabulary.halt
