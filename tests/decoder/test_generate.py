"""The stock `generate` executes programs, token by token as the reference does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest
import torch

import looped
from looped.decoder import Spec, Vocabulary, records
from looped.decoder.compare import Comparison
from looped.decoder.generate import generate
from looped.errors import CompileError, MismatchError
from looped.image import Image
from looped.reference import Subleq
from tests.decoder.models import BYTES, WORDS, model
from tests.programs.headers import FOLDER, Program, programs

transformers = pytest.importorskip("transformers")
NARROW = [p for p in programs() if looped.assemble(p.path).width <= 16]


def spec_of(image: Image, memory: int = 256) -> Spec:
    least = max(memory, looped.api.smallest_memory(image))
    return Spec(width=image.width, memory=min(least, 1 << image.width))


def due(spec: Spec, image: Image, data: bytes) -> Iterator[int]:
    vocabulary = Vocabulary(spec)
    for record in records(Subleq(image.words, spec.width, spec.memory, data, image.entry)):
        yield from vocabulary.record(record)


def check(program: Program, most: int, attention: str = "sdpa") -> tuple[list[int], bytes]:
    """Generate so many tokens, each compared with the reference; the tokens and the output."""
    image = looped.assemble(program.path)
    spec = spec_of(image)
    vocabulary = Vocabulary(spec)
    reference = Subleq(image.words, spec.width, spec.memory, b"", image.entry)
    comparison = Comparison(vocabulary, reference, iter(program.input))
    prompt = vocabulary.prompt(image.words, image.entry)
    seen: list[int] = []

    def watch(token: int) -> None:
        comparison.check(token)
        seen.append(token)

    tokens = generate(model(spec, attention), vocabulary, prompt, comparison.answer, most, watch)
    assert seen == tokens == list(islice(due(spec, image, program.input), len(tokens)))
    assert tokens[-1] == vocabulary.halt or len(tokens) == most
    return tokens, vocabulary.output(tokens)


def program(name: str) -> Program:
    (found,) = (p for p in NARROW if p.path.stem == name)
    return found


@pytest.mark.parametrize("name", [pytest.param("countdown8", marks=pytest.mark.slow), "selfmodify"])
def test_a_program_runs_to_its_end(name: str) -> None:
    _, output = check(program(name), 400)
    assert output == program(name).output


def test_the_host_answers_a_question() -> None:
    asked, _ = check(program("echo"), 60)
    assert asked.count(Vocabulary(WORDS).ask) == 4


@pytest.mark.slow
@pytest.mark.parametrize("each", NARROW, ids=lambda each: each.path.stem)
def test_every_program(each: Program) -> None:
    _, output = check(each, 20_000)
    assert each.output.startswith(output)


LONG = {"bf", "bubble_sort", "collatz", "factorial", "fibonacci", "queens", "sieve"}
SHORT = [each for each in NARROW if each.path.stem not in LONG]
"""Programs whose whole run has at most 2,100 tokens."""


@pytest.mark.slow
@pytest.mark.parametrize("each", SHORT, ids=lambda each: each.path.stem)
def test_eager_attention(each: Program) -> None:
    tokens, output = check(each, 2_100, "eager")
    assert output == each.output and len(tokens) < 2_100


@pytest.mark.slow
@pytest.mark.parametrize("each", SHORT, ids=lambda each: each.path.stem)
def test_a_static_cache(each: Program) -> None:
    """Each call of `generate` has a static cache of its own."""
    image = looped.assemble(each.path)
    spec = spec_of(image)
    vocabulary, answers = Vocabulary(spec), iter(each.input)
    tokens = vocabulary.prompt(image.words, image.entry)
    wanted = [*tokens, *due(spec, image, each.input)]
    while tokens[-1] != vocabulary.halt:
        ids = torch.tensor([tokens])
        options = {"max_length": len(wanted) + 1, "cache_implementation": "static"}
        tokens = (
            model(spec).generate(ids, attention_mask=torch.ones_like(ids), **options)[0].tolist()
        )
        if tokens[-1] == vocabulary.ask:
            tokens += vocabulary.value(next(answers, (1 << spec.width) - 1))
        assert tokens == wanted[: len(tokens)]
    assert tokens == wanted


@pytest.mark.slow
def test_a_padded_batch_of_whole_programs() -> None:
    """The short programs without input in words of 16 bits, until the last one halts."""
    spec = Spec(width=16, memory=512)
    each = [p for p in SHORT if not p.input and looped.assemble(p.path).width == 16]
    images = [looped.assemble(p.path) for p in each]
    wanted = [list(due(spec, image, b"")) for image in images]
    ids, mask = padded([p.path.stem for p in each], spec)
    most = ids.shape[1] + max(map(len, wanted))
    found = model(spec).generate(ids, attention_mask=mask, max_length=most)
    halt = Vocabulary(spec).halt
    for name, row, tokens in zip(each, found[:, ids.shape[1] :].tolist(), wanted, strict=True):
        assert row == tokens + [halt] * (len(row) - len(tokens)), name.path.stem


def padded(names: list[str], spec: Spec) -> tuple[torch.Tensor, torch.Tensor]:
    images = [looped.assemble(program(name).path) for name in names]
    prompts = [Vocabulary(spec).prompt(image.words, image.entry) for image in images]
    longest = max(map(len, prompts))
    ids = torch.full((len(prompts), longest), Vocabulary(spec).halt)
    for row, prompt in zip(ids, prompts, strict=True):
        row[longest - len(prompt) :] = torch.tensor(prompt)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    return ids, mask


@pytest.mark.parametrize(
    "options",
    [pytest.param({}, marks=pytest.mark.slow), {"cache_implementation": "static"}],
    ids=["", "static"],
)
def test_a_padded_batch(options: dict[str, str]) -> None:
    names, most = ["selfmodify", "multiply", "hello"], 60
    ids, mask = padded(names, WORDS)
    found = model(WORDS).generate(
        ids, attention_mask=mask, max_length=ids.shape[1] + most, **options
    )
    for name, row in zip(names, found[:, ids.shape[1] :].tolist(), strict=True):
        wanted = list(islice(due(WORDS, looped.assemble(program(name).path), b""), most))
        assert row[: len(wanted)] == wanted


@pytest.mark.slow
def test_sampling_at_temperature_1_is_greedy() -> None:
    ids, mask = padded(["countdown8"], BYTES)
    options = {"attention_mask": mask, "max_length": ids.shape[1] + 40}
    greedy = model(BYTES).generate(ids, **options)
    sampled = model(BYTES).generate(ids, do_sample=True, top_k=0, top_p=1.0, **options)
    assert torch.equal(greedy, sampled)


def test_a_difference_is_found_where_it_is() -> None:
    image = looped.assemble(FOLDER / "subleq" / "hello.sasm")
    vocabulary = Vocabulary(WORDS)
    comparison = Comparison(vocabulary, Subleq(image.words, 16, 256), iter(b""))
    tokens = list(islice(due(WORDS, image, b""), 3))
    for token in tokens:
        comparison.check(token)
    with pytest.raises(MismatchError) as caught:
        comparison.check(vocabulary.ask)
    name = vocabulary.name(list(islice(due(WORDS, image, b""), 4))[3]).strip()
    assert str(caught.value).startswith(
        f"token 4 of the run is `?`, and the reference has `{name}`"
    )


def test_a_program_counter_that_leaves_memory_is_an_error_of_the_comparison() -> None:
    words = [0, 0, 300]
    comparison = Comparison(Vocabulary(WORDS), Subleq(words, 16, 256), iter(b""))
    with pytest.raises(CompileError, match="the program jumps to 300"):
        comparison.check(0)
