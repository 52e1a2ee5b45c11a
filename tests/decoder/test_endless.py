"""Runs that outlast their context: by new prompts, with a pruned cache, with a sliding window."""

from __future__ import annotations

import functools
import resource
from collections.abc import Callable, Iterator
from itertools import islice

import hypothesis.strategies as st
import pytest
from hypothesis import given

import looped
from looped.decoder import Spec, Vocabulary, records
from looped.decoder.compaction import Continue, compacted, next_prompt
from looped.decoder.generate import generate
from looped.decoder.llama import causal_model
from looped.decoder.mistral import mistral_config, sliding_model, sliding_spec, window_for
from looped.decoder.pruned import Pruned
from looped.decoder.records import record_of
from looped.decoder.weights import weights
from looped.errors import CompileError
from looped.image import Image
from looped.reference import Subleq
from looped.verify.causal import certify_causal
from tests.conftest import examples
from tests.programs.headers import FOLDER, Program, programs

ALL = programs()
SHORT = Spec(width=8, memory=64, context=96)


@functools.cache
def pruned(spec: Spec) -> Pruned:
    return Pruned(weights(spec))


def due(spec: Spec, words: list[int], data: bytes = b"", entry: int = 0) -> Iterator[int]:
    """The tokens of a run, as the reference has them."""
    vocabulary = Vocabulary(spec)
    for record in records(Subleq(words, spec.width, spec.memory, data, entry)):
        yield from vocabulary.record(record)


def refreshed(spec: Spec, words: list[int], data: bytes) -> Iterator[int]:
    """The tokens of a run with a refresh behind each record that does not halt."""
    vocabulary, reference = Vocabulary(spec), Subleq(words, spec.width, spec.memory, data)
    address = 0
    while not reference.halted:
        yield from vocabulary.record(record_of(reference.step(), spec.width))
        address = (address + 1) % spec.memory
        if not reference.halted:
            yield from vocabulary.refresh(address, reference.memory[address])


def answers(data: bytes, width: int) -> Callable[[], int]:
    source = iter(data)
    return lambda: next(source, (1 << width) - 1)


def run(found: Continue, spec: Spec, image: Image, data: bytes, most: int) -> list[int]:
    """A run with new prompts; what was watched is what came out."""
    vocabulary, seen = Vocabulary(spec), list[int]()
    prompt = vocabulary.prompt(image.words, image.entry)
    answer = answers(data, spec.width)
    tokens = list(compacted(found, vocabulary, prompt, answer, most, seen.append).tokens)
    assert seen == tokens
    return tokens


@pytest.mark.parametrize("context", [64, 65, 66, 67, 96])
def test_a_context_may_end_anywhere_in_a_record(context: int) -> None:
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    spec = Spec(width=8, memory=64, context=context)
    assert run(pruned(spec).generate, spec, image, b"", 400) == [*due(spec, image.words)]


@pytest.mark.parametrize(
    "context", [100, 103, *(pytest.param(n, marks=pytest.mark.slow) for n in (101, 102, 104, 105))]
)
def test_an_answer_is_given_once_wherever_the_context_ends(context: int) -> None:
    image = looped.assemble(FOLDER / "subleq" / "echo.sasm")
    spec = Spec(width=16, memory=64, context=context)
    wanted = [*due(spec, image.words, b"abc")]
    assert run(pruned(spec).generate, spec, image, b"abc", 400) == wanted


def test_a_context_without_room_is_refused() -> None:
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    spec = Spec(width=8, memory=64, context=43)
    with pytest.raises(CompileError, match="a context of 43 tokens leaves no room behind a prompt"):
        run(pruned(spec).generate, spec, image, b"", 400)


def test_the_cache_is_as_large_as_memory() -> None:
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    found = pruned(Spec(width=8, memory=64))
    found.passes = 0
    tokens = run(found.generate, Spec(width=8, memory=64), image, b"", 400)
    assert found.entries <= 64 + 3
    assert found.passes < len(tokens) / 2


@examples(0.16)
@given(st.lists(st.integers(0, 255), min_size=64, max_size=64), st.integers(0, 60))
def test_random_programs_continue_as_the_reference(words: list[int], entry: int) -> None:
    spec = Spec(width=8, memory=64, context=512)
    vocabulary = Vocabulary(spec)
    expected = _until_refused(due(spec, words, b"", entry), 200)
    if expected:
        prompt = vocabulary.prompt(words, entry)
        tokens = pruned(spec).generate(prompt, lambda: 255, len(expected))
        assert tokens == expected


def _until_refused(tokens: Iterator[int], most: int) -> list[int]:
    """Tokens until the program counter leaves the model's."""
    found: list[int] = []
    try:
        for token in islice(tokens, most):
            found.append(token)
    except CompileError:
        pass
    return found


def test_a_new_prompt_leaves_the_same_memory() -> None:
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    vocabulary = Vocabulary(SHORT)
    text = [*vocabulary.prompt(image.words), *islice(due(SHORT, image.words), 50)]
    shorter = next_prompt(vocabulary, text)
    rest = [*due(SHORT, image.words)][50:]
    assert pruned(SHORT).generate(shorter, lambda: 0, len(rest) + 1) == rest


@pytest.mark.slow
def test_a_window_that_refreshes_all_words_is_certified() -> None:
    spec = sliding_spec(8, 32)
    found = weights(spec)
    assert certify_causal(spec, found.state, mistral_config(found)).certified()


def stock(spec: Spec) -> Continue:
    model = sliding_model(spec) if spec.window is not None else causal_model(spec)
    return functools.partial(generate, model, Vocabulary(spec))


@pytest.mark.slow
def test_a_sliding_window_forgets_nothing() -> None:
    pytest.importorskip("transformers")
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    spec = sliding_spec(8, 32)
    vocabulary = Vocabulary(spec)
    wanted = [*refreshed(spec, image.words, b"")]
    tokens = stock(spec)(vocabulary.prompt(image.words), lambda: 0, len(wanted) + 1, lambda t: None)
    assert tokens == wanted
    assert len(tokens) > window_for(8, 32)


def spec_of(image: Image, context: int = 1 << 15) -> Spec:
    memory = max(64, looped.api.smallest_memory(image))
    return Spec(width=image.width, memory=memory, context=context)


@pytest.mark.slow
@pytest.mark.parametrize("each", ALL, ids=lambda each: each.path.stem)
def test_every_program_in_one_pass_an_instruction(each: Program) -> None:
    image = looped.assemble(each.path)
    spec = spec_of(image)
    wanted = [*islice(due(spec, image.words, each.input, image.entry), 20_000)]
    assert run(pruned(spec).generate, spec, image, each.input, len(wanted)) == wanted


@pytest.mark.slow
def test_new_prompts_for_the_stock_model() -> None:
    pytest.importorskip("transformers")
    image = looped.assemble(FOLDER / "subleq" / "sieve.sasm")
    spec = spec_of(image, context=1024)
    wanted = [*islice(due(spec, image.words), 2500)]
    assert run(stock(spec), spec, image, b"", 2500) == wanted


@pytest.mark.slow
def test_a_million_tokens() -> None:
    """A loop that counts down for ever, in a cache of constant size, and in memory that does not
    grow after the first tenth: what is left are four bytes for each token."""
    one, counter, zero = 6, 7, 8
    words = [one, counter, 3, zero, zero, 0, 1, 0, 0]
    spec = Spec(width=8, memory=32, context=1 << 14)
    found, largest = pruned(spec), 0
    source, count, memory = due(spec, words), 0, list[int]()

    def watch(token: int) -> None:
        nonlocal largest, count
        if count % 100_000 == 0:
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        count += 1
        assert token == next(source)
        largest = max(largest, found.entries)

    vocabulary = Vocabulary(spec)
    prompt = vocabulary.prompt(words)
    compacted(found.generate, vocabulary, prompt, lambda: 0, 1_000_000, watch)
    assert count == 1_000_000 and largest < 200
    print(f"\n{largest} entries, the most memory after each 100,000 tokens: {memory}")
    assert memory[-1] < 1.03 * memory[1]
