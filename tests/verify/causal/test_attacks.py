"""For each claim of the certificate of a causal machine a change that breaks it, and no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import looped
from looped.decoder.compare import Comparison
from looped.decoder.lanes import machine_lanes
from looped.decoder.layers import Layers
from looped.decoder.llama import llama_config
from looped.decoder.pruned import Pruned
from looped.decoder.spec import HEAD_DIM, Spec
from looped.decoder.vocabulary import Vocabulary
from looped.decoder.weights import Weights
from looped.reference import Subleq
from looped.verify.causal import certify_causal
from tests.conftest import examples
from tests.programs.headers import FOLDER
from tests.verify.causal.test_certify import SMALL, State, certificate, made

pytestmark = pytest.mark.slow
LANES = machine_lanes(SMALL)
Change = Callable[[State, dict[str, Any]], None]


def layer(index: int, part: str) -> str:
    name = f"mlp.{part}" if part in ("gate", "up", "down") else f"self_attn.{part}"
    return f"model.layers.{index}.{name}_proj.weight"


def setting(**values: Any) -> Change:
    return lambda state, config: config.update(values)


def times(name: str, factor: float, *place: Any) -> Change:
    def change(state: State, config: dict[str, Any]) -> None:
        state[name][place] *= factor

    return change


def plus(name: str, number: float, *place: Any) -> Change:
    def change(state: State, config: dict[str, Any]) -> None:
        state[name][place] += number

    return change


def theta(factor: float) -> Change:
    number = 2.0**96 * factor
    plain = {"rope_type": "default", "rope_theta": number}
    return setting(rope_theta=number, rope_parameters=plain)


def value_row(word: str) -> int:
    """A lane of a word that a head copies."""
    return LANES[word][1]


def flipped(token: int, lane: int) -> Change:
    return times("model.embed_tokens.weight", -1, token, lane)


def silent(index: int, word: str) -> Change:
    """The head that copies a word looks at its key with no clock."""
    found = made().state[layer(index, "o")]
    head = int(found[value_row(word)].nonzero()[0]) // HEAD_DIM
    pair = made().clock.pair
    return times(layer(index, "q"), 0, [head * HEAD_DIM + d for d in (pair, pair + 32)])


def unread(index: int, word: str) -> Change:
    return times(layer(index, "o"), 0, value_row(word))


def idle_head(state: State, config: dict[str, Any]) -> None:
    """The last head of layer 3, which is idle, writes a lane."""
    state[layer(2, "o")][LANES["digit"][0], -1] = 1.0


def unit(index: int, word: str) -> int:
    """A hidden unit that acts on a word's lowest lane, whatever the others are."""
    down, gate = made().state[layer(index, "down")], made().state[layer(index, "gate")]
    acts = gate[:, 0] + gate[:, 1:].abs().sum(dim=1) > 0
    return int(((down[LANES[word][0]] != 0) & acts).nonzero()[0])


BROKEN: dict[str, tuple[str, Change]] = {
    "a layer more": ("checkpoint", setting(num_hidden_layers=4)),
    "another activation": ("checkpoint", setting(hidden_act="gelu")),
    "a window": ("checkpoint", setting(sliding_window=64)),
    "angles of another kind": ("checkpoint", setting(rope_parameters={"rope_type": "yarn"})),
    "another epsilon": ("norms", setting(rms_norm_eps=1e-5)),
    "a norm by one unit": ("norms", times("model.norm.weight", 1 + 2.0**-22, 3)),
    "a number of a token": ("embedding", flipped(300, LANES["digit"][2])),
    "a flag of a token": ("embedding", flipped(300, LANES["is_b"][0])),
    "a lane that is free": ("embedding", times("model.embed_tokens.weight", 0.5, 9, 120)),
    "another frequency": ("the latest b", theta(1 + 2.0**-20)),
    "an older address": ("the latest b", silent(0, "address")),
    "an older value": ("the latest v0", silent(0, "value")),
    "no program counter": ("the latest p", unread(0, "pc")),
    "an older instruction": ("`a` at `pc`", silent(1, "a")),
    "no second operand": ("`b` at `pc+1`", unread(1, "b")),
    "half of a jump": ("`c` at `pc+2`", times(layer(1, "o"), 0.5, value_row("c"))),
    "an older word": ("`mem_a` at `a`", silent(2, "mem_a")),
    "no word": ("`mem_b` at `b`", unread(2, "mem_b")),
    "a head too many": ("heads", idle_head),
    "a sum by one": ("MLP", plus(layer(0, "gate"), 128, unit(0, "following"), 0)),
    "input of another kind": ("MLP", times(layer(1, "up"), 0, unit(1, "reading.next"))),
    "a branch": ("MLP", times(layer(2, "up"), -1, unit(2, "pc.next"))),
    "a difference": ("MLP", times(layer(2, "down"), 2, LANES["result"][0])),
    "a weak logit": ("logits", times("lm_head.weight", 0.5)),
    "a logit of a token": ("logits", plus("lm_head.weight", 64, 300, 0)),
    "a halt too early": ("logits", times("lm_head.weight", -1, 1)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_claim_fails_alone(name: str) -> None:
    part, change = BROKEN[name]
    proof = certificate(change)
    failed = [claim.part for claim in proof.claims if not claim.holds]
    assert not proof.sound and not proof.certified() and failed[0] == part


def test_every_claim_can_fail() -> None:
    assert {claim.part for claim in certificate().claims} <= {part for part, _ in BROKEN.values()}


def test_silu_that_is_not_relu_is_refused() -> None:
    """Gates of half the steepness and twice the result make the same sums with ReLU."""

    def change(state: State, config: dict[str, Any]) -> None:
        state[layer(2, "gate")] /= 2
        state[layer(2, "down")] *= 2

    proof = certificate(change)
    assert not proof.certified() and "is not a multiple of 128" in proof.faults["float32"][0]


def test_one_token_more_than_the_longest_context_is_refused() -> None:
    longest = certificate(spec=Spec(width=8, memory=32, context=1 << 16)).span("float32")
    for context, exact in ((longest, True), (longest + 1, False)):
        spec = Spec(width=8, memory=32, context=context)
        assert certificate(spec=spec).certified() is exact


def test_a_machine_of_another_order_is_refused() -> None:
    other = Spec(width=8, memory=32, context=4096, order=1)
    assert certificate(spec=other, of=other).certified()
    assert not certificate(spec=other).sound and not certificate(of=other).sound


def changed(data: st.DataObject) -> Weights:
    """The machine with one weight that is another one, anywhere."""
    name = data.draw(st.sampled_from(sorted(made().state)))
    matrix = made().state[name].clone()
    place = tuple(data.draw(st.integers(0, size - 1)) for size in matrix.shape)
    if data.draw(st.booleans()):  # most places hold zero
        used = matrix.nonzero()
        place = tuple(used[data.draw(st.integers(0, len(used) - 1))])
    old = float(matrix[place])
    new = [0.0, -old, 2 * old, old + 1, old - 0.5, old + 2.0**-12, old * (1 + 2.0**-22)]
    matrix[place] = data.draw(st.sampled_from(new))
    found = made()
    fields = {f: getattr(found, f) for f in found.__slots__} | {
        "state": {**found.state, name: matrix}
    }
    return Weights(**fields)


@examples(0.2, shrink=False)
@given(st.data())
def test_what_is_certified_runs(data: st.DataObject) -> None:
    """Whatever weight changes: the machine is refused, or runs a program as before."""
    found = changed(data)
    if not certify_causal(SMALL, found.state, llama_config(found)).certified():
        return
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    vocabulary = Vocabulary(SMALL)
    watch = Comparison(vocabulary, Subleq(image.words, 8, 32), iter(b""))
    prompt = vocabulary.prompt(image.words)
    tokens = Pruned(found, Layers(found)).generate(prompt, watch.answer, 200, watch.check)
    assert tokens[-1] == vocabulary.halt
