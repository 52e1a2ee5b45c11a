"""The certificate of causal machines: it holds for the weights as they are, and for no others."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import Tensor

from looped.decoder.attention import least_distance, matched_lanes
from looped.decoder.clock import largest_span
from looped.decoder.llama import llama_config
from looped.decoder.spec import Spec
from looped.decoder.weights import Weights, weights
from looped.precision import FLOAT32
from looped.verify.causal import CausalCertificate, certify_causal
from tests.conftest import examples

SMALL = Spec(width=8, memory=32, context=4096)
State = dict[str, Tensor]


@functools.cache
def made(spec: Spec = SMALL) -> Weights:
    return weights(spec)


def certificate(
    change: Callable[[State, dict[str, Any]], None] = lambda state, config: None,
    spec: Spec = SMALL,
    of: Spec = SMALL,
) -> CausalCertificate:
    """The certificate of the weights `of` one machine as another, after a change."""
    found = made(of)
    state = {name: weight.clone() for name, weight in found.state.items()}
    config = llama_config(found)
    change(state, config)
    return certify_causal(spec, state, config)


def fault(proof: CausalCertificate) -> str:
    """The first claim that fails, and why."""
    claim = next(claim for claim in proof.claims if not claim.holds)
    return f"{claim.part}: {claim.fault}"


@pytest.mark.parametrize(
    "spec",
    [
        SMALL,
        pytest.param(Spec(width=8, memory=256), marks=pytest.mark.slow),
        pytest.param(Spec(width=16, memory=64), marks=pytest.mark.slow),
        pytest.param(Spec(width=16, memory=1024), marks=pytest.mark.slow),
        pytest.param(Spec(width=16, memory=1 << 15), marks=pytest.mark.slow),
    ],
    ids=lambda spec: f"{spec.width}-{spec.memory}",
)
def test_the_due_token_wins_in_float32_and_in_no_smaller_format(spec: Spec) -> None:
    proof = certificate(spec=spec, of=spec)
    assert [claim.fault for claim in proof.claims if not claim.holds] == []
    assert proof.certified("float32")
    assert proof.span("bfloat16") == proof.span("float16") == 0
    assert proof.margin >= 128
    assert min(proof.margins(spec.context, FLOAT32).values()) > FLOAT32.underflow


@pytest.mark.slow
def test_the_certificate_covers_the_longest_context_that_the_compiler_accepts() -> None:
    longest = largest_span(matched_lanes(SMALL), least_distance(SMALL))
    spec = Spec(width=8, memory=32, context=longest)
    assert certificate(spec=spec, of=spec).certified()


def test_a_longer_context_than_the_clock_is_made_for_is_refused() -> None:
    longer = Spec(width=8, memory=32, context=1 << 16)
    proof = certificate(spec=longer)
    assert not proof.certified()
    assert SMALL.context <= proof.span("float32") < longer.context


def test_another_theta_is_refused() -> None:
    def change(state: State, config: dict[str, Any]) -> None:
        config["rope_theta"] = config["rope_parameters"]["rope_theta"] = 2.0**95

    assert fault(certificate(change)).endswith("has angles that are not exact")


def test_scaled_rotary_embeddings_are_refused() -> None:
    def change(state: State, config: dict[str, Any]) -> None:
        config["rope_scaling"] = {"rope_type": "linear", "factor": 2.0}

    assert fault(certificate(change)) == "checkpoint: its rotary embeddings are not the plain ones"


def test_a_clock_that_is_too_weak_is_refused() -> None:
    def change(state: State, config: dict[str, Any]) -> None:
        state["model.layers.1.self_attn.q_proj.weight"] /= 16

    proof = certificate(change)
    assert proof.sound and proof.span("float32") < 64


@pytest.mark.parametrize("weight", ["k_proj", "q_proj"])
def test_a_swap_of_two_lanes_of_an_address_is_refused(weight: str) -> None:
    def change(state: State, config: dict[str, Any]) -> None:
        matrix = state[f"model.layers.1.self_attn.{weight}.weight"]
        a, b = made().lanes["address" if weight == "k_proj" else "pc"][:2]
        matrix[:, [a, b]] = matrix[:, [b, a]]

    assert "match other lanes" in fault(certificate(change))


def test_a_match_that_loses_to_the_zero_is_refused() -> None:
    def change(state: State, config: dict[str, Any]) -> None:
        keys = state["model.layers.2.self_attn.k_proj.weight"]
        keys[keys[:, made().lanes["cell"][0]] != 0, made().lanes["first"][0]] += 1

    assert "another token comes within" in fault(certificate(change))


def test_a_branch_on_less_than_zero_is_refused() -> None:
    def change(state: State, config: dict[str, Any]) -> None:
        gates = state["model.layers.2.mlp.gate_proj.weight"]
        reads_all = (gates[:, list(made().lanes["mem_a"])] != 0).all(dim=1)
        gates[reads_all, 0] += 128

    assert "becomes another number" in fault(certificate(change)) or "ramp" in fault(
        certificate(change)
    )


@examples(0.12, shrink=False)
@given(st.data())
def test_no_weight_can_be_left_out_or_negated(data: st.DataObject) -> None:
    """Except constants of queries and keys: a clock with another phase may do as well, and a number
    added to the scores of all keys changes no softmax. And except hidden units that never act: the
    second ramp of a threshold that only the largest number reaches."""

    def change(state: State, config: dict[str, Any]) -> None:
        name = data.draw(st.sampled_from(sorted(state)))
        matrix = state[name]
        places = matrix.nonzero()
        if "q_proj" in name or "k_proj" in name:
            places = places[places[:, 1] != 0]
        if ".mlp." in name:
            gates = made().state[name.rsplit("mlp", 1)[0] + "mlp.gate_proj.weight"]
            acts = gates[:, 0] + gates[:, 1:].abs().sum(dim=1) > 0
            places = places[acts[places[:, 1 if "down" in name else 0]]]
        place = tuple(places[data.draw(st.integers(0, len(places) - 1))])
        matrix[place] *= data.draw(st.sampled_from([0.0, -1.0]))

    assert not certificate(change).certified()


@examples(0.06, shrink=False)
@given(st.data())
def test_no_weight_can_be_added_to_a_lane_in_use(data: st.DataObject) -> None:
    def change(state: State, config: dict[str, Any]) -> None:
        part = data.draw(st.sampled_from(["q_proj", "k_proj", "v_proj"]))
        matrix = state[f"model.layers.1.self_attn.{part}.weight"]
        rows = (matrix != 0).any(dim=1).nonzero().flatten()
        row = rows[data.draw(st.integers(0, len(rows) - 1))]
        matrix[row, made().lanes["digit"][data.draw(st.integers(0, 4))]] += 0.5

    assert not certificate(change).certified()


def test_a_weight_that_is_not_finite_is_refused() -> None:
    def change(state: State, config: dict[str, Any]) -> None:
        state["lm_head.weight"][0, 0] = torch.inf

    assert fault(certificate(change)).endswith("has a weight that is not finite")
