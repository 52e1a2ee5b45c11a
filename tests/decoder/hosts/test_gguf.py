"""llama.cpp runs programs token by token as the reference does, in single precision only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from looped.decoder import Spec, Vocabulary
from looped.decoder.hosts.gguf import export_gguf
from looped.decoder.mistral import sliding_spec
from looped.decoder.weights import weights
from looped.errors import CompileError
from tests.decoder.hosts.five import FIVE, MOST, SPEC, Case, case

gguf = pytest.importorskip("gguf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf")
    export_gguf(SPEC, case("hello").image, path, "hello")
    return path


@pytest.mark.slow
def test_the_file_holds_the_weights_and_the_tokens(folder: Path) -> None:
    found = gguf.GGUFReader(folder / "model.gguf")
    tensors = {tensor.name: tensor for tensor in found.tensors}
    state = weights(SPEC).state
    assert len(tensors) == len(state)
    assert np.array_equal(tensors["output.weight"].data, state["lm_head.weight"].numpy())
    vocabulary = Vocabulary(SPEC)
    names = found.fields["tokenizer.ggml.tokens"].contents()
    assert names == [vocabulary.name(token) for token in range(vocabulary.size)]
    assert (folder / "prompt.txt").read_text() == vocabulary.text(case("hello").prompt)


def test_a_window_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="llama.cpp has no Llama with a sliding window"):
        export_gguf(sliding_spec(8, 32), case("hello").image, tmp_path, "x")


class LlamaCpp:
    """llama.cpp in this process: one thread, no flash attention, keys and values in a format."""

    def __init__(self, folder: Path, spec: Spec, format_: str) -> None:
        self.cpp = pytest.importorskip("xllamacpp")
        given = self.cpp.CommonParams()
        given.model.path = str(folder / "model.gguf")
        given.n_ctx, given.n_parallel, given.cpuparams.n_threads = spec.context, 1, 1
        given.cache_type_k = given.cache_type_v = getattr(
            self.cpp.ggml_type, f"GGML_TYPE_{format_}"
        )
        given.flash_attn_type = self.cpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        given.special, given.warmup = True, False
        self.server = self.cpp.Server(given)
        self.vocabulary = Vocabulary(spec)

    def text(self, prompt: Any, most: int) -> str:
        """The text that follows a prompt: a text, or tokens."""
        request = {"prompt": prompt, "n_predict": most, "temperature": 0.0, "seed": 1}
        found = self.server.handle_completions(request)
        return str(found["choices"][0]["text"])

    def run(self, each: Case) -> str:
        """The text of a whole run, in which the host answers `?`."""
        answer, tokens, text = each.answer(), list(each.prompt), ""
        wanted = shown(self.vocabulary, each.due)
        while True:
            new = self.text(tokens, len(each.due))
            text += new
            if not new.endswith(" ?"):
                return text[: len(wanted)]
            tokens += self.read(new)
            given = answer()
            tokens, text = tokens + given, text + self.vocabulary.text(given)

    def read(self, text: str) -> list[int]:
        """The tokens of a text without bytes of output above 127."""
        names = {shown(self.vocabulary, [t]): t for t in range(self.vocabulary.size)}
        tokens = []
        while text:
            size = next(n for n in range(16, 0, -1) if text[:n] in names)
            tokens.append(names[text[:size]])
            text = text[size:]
        return tokens


def shown(vocabulary: Vocabulary, tokens: list[int]) -> str:
    """The text of tokens as llama.cpp prints it: bytes of output as they are."""
    out = vocabulary.types["out"]
    parts = [chr(t - out.start) if t in out else vocabulary.name(t) for t in tokens]
    return "".join(parts)


@pytest.mark.slow
def test_five_programs(folder: Path) -> None:
    host, vocabulary = LlamaCpp(folder, SPEC, "F32"), Vocabulary(SPEC)
    for name in FIVE:
        each = case(name)
        assert host.run(each) == shown(vocabulary, each.due), name
    text = (folder / "prompt.txt").read_text()
    assert host.text(text, MOST).startswith(shown(vocabulary, case("hello").due[:200]))


@pytest.mark.slow
def test_half_precision_goes_wrong(folder: Path) -> None:
    host, each = LlamaCpp(folder, SPEC, "F16"), case("multiply")
    assert host.run(each) != shown(Vocabulary(SPEC), each.due)
