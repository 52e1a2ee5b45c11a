"""TransformerLens runs programs token by token as the reference does, without its cache."""

from __future__ import annotations

import pytest
import torch

from looped.decoder import Vocabulary
from looped.decoder.hosts.lens import causal_bridge
from tests.decoder.hosts.five import FIVE, SPEC, Case, case

pytest.importorskip("transformer_lens")

MOST = 40
"""Without a cache each token costs a pass over the whole text."""


def run(model: object, each: Case) -> list[int]:
    """The tokens of a run, in which the host answers `?`."""
    vocabulary, answer = Vocabulary(SPEC), each.answer()
    tokens, most = list(each.prompt), min(MOST, len(each.due))
    options = {"do_sample": False, "use_past_kv_cache": False, "verbose": False}
    options |= {"return_type": "tokens"}
    while (room := most + len(each.prompt) - len(tokens)) > 0:
        for end in (vocabulary.ask, vocabulary.halt):
            found = model.generate(  # type: ignore[attr-defined]
                torch.tensor([tokens]), max_new_tokens=room, eos_token_id=end, **options
            )[0].tolist()
            if end in found[len(tokens) :]:
                break
        tokens = found
        if tokens[-1] == vocabulary.ask:
            tokens += answer()
    return tokens[len(each.prompt) :][:most]


@pytest.mark.slow
def test_five_programs() -> None:
    model = causal_bridge(SPEC)
    for name in FIVE:
        each = case(name)
        assert run(model, each) == each.due[: min(MOST, len(each.due))], name


@pytest.mark.slow
def test_a_hook_sees_which_token_a_head_attends_to() -> None:
    each, vocabulary = case("hello"), Vocabulary(SPEC)
    model = causal_bridge(SPEC)
    logits, cache = model.run_with_cache(torch.tensor([each.prompt]))
    assert int(logits[0, -1].argmax()) == each.due[0]
    pattern = cache["blocks.0.attn.hook_pattern"][0, 0, -1]
    (place,) = pattern.nonzero().flatten().tolist()
    assert vocabulary.type_of(each.prompt[place])[0] == "b" and pattern[place] == 1
