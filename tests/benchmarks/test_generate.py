"""The measurements of causal machines run what they say, and compare it with the reference."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.causal_pictures import growth
from benchmarks.generate import (
    Rate,
    batch,
    encoder,
    in_place,
    pruned,
    selective,
    sliding,
    static,
    stock,
)
from looped import api
from looped.decoder import Spec
from looped.image import Image
from tests.programs.headers import FOLDER

SPEC = Spec(width=8, memory=32, context=1024)
COUNTDOWN = FOLDER / "subleq" / "countdown8.sasm"


@pytest.mark.parametrize(
    ("measure", "instructions", "grows"),
    [
        (pruned, 20, False),
        (selective, 20, False),
        pytest.param(encoder, 20, True, marks=pytest.mark.slow),
        pytest.param(static, 20, False, marks=pytest.mark.slow),
        pytest.param(stock, 20, True, marks=pytest.mark.slow),
        pytest.param(sliding, 12, False, marks=pytest.mark.slow),
    ],
)
def test_a_rate_counts_instructions_and_entries(
    measure: Callable[[Image, Spec, int], Rate], instructions: int, grows: bool
) -> None:
    rate = measure(api.assemble(COUNTDOWN), SPEC, 56)
    assert (rate.tokens, rate.instructions) == (56, instructions)
    before, after = rate.entries
    assert (after == before + 56) == grows
    assert rate.seconds > 0 and str(rate).count("|") == 7


@pytest.mark.slow
def test_the_machine_in_place_has_as_many_columns_as_words() -> None:
    rate = in_place(api.assemble(COUNTDOWN), 32, "event", 10)
    assert rate.instructions == 10 and rate.entries == (34, 34)


@pytest.mark.slow
def test_a_batch_counts_all_rows() -> None:
    rate = batch(api.assemble(COUNTDOWN), SPEC, 56)
    assert (rate.tokens, rate.instructions) == (8 * 56, 8 * 20)


def test_the_cache_grows_only_without_pruning() -> None:
    found = growth(api.assemble(COUNTDOWN), 140, context=64)
    whole, sizes = found["the whole text"], [len(each) for each in found.values()]
    assert whole[-1] == 40 + 139 and min(sizes) == max(sizes) == len(whole)
    assert max(found["pruned"]) <= max(found["selective"]) <= 36
    assert max(found["new prompts, context 64"]) <= 64
