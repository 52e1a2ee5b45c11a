"""onnxruntime runs programs token by token as the reference does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from looped.decoder import Vocabulary
from looped.decoder.hosts.onnx import export_onnx
from looped.decoder.mistral import sliding_spec
from looped.errors import CompileError
from tests.decoder.hosts.five import FIVE, SPEC, Case, case

pytest.importorskip("transformers")
pytest.importorskip("onnxscript")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx")
    export_onnx(SPEC, case("hello").image, path)
    return path


class Runtime:
    """onnxruntime with one thread."""

    def __init__(self, folder: Path) -> None:
        onnxruntime = pytest.importorskip("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)
        self.names = [each.name for each in self.session.get_inputs()]

    def run(self, each: Case) -> list[int]:
        """The tokens of a run, in which the host answers `?`."""
        vocabulary, answer = Vocabulary(SPEC), each.answer()
        past = [np.zeros((1, 1, 0, 64), np.float32)] * (len(self.names) - 3)
        tokens, new, seen = list[int](), list(each.prompt), 0
        while len(tokens) < len(each.due):
            last = seen + len(new)
            mask, places = np.ones((1, last), np.int64), np.arange(seen, last)[None]
            given = [np.array([new]), mask, places, *past]
            logits, *past = self.session.run(None, dict(zip(self.names, given, strict=True)))
            new, seen = [int(logits[0, -1].argmax())], last
            new += answer() if new[0] == vocabulary.ask else []
            tokens += new
        return tokens[: len(each.due)]


@pytest.mark.slow
def test_five_programs(folder: Path) -> None:
    host = Runtime(folder)
    for name in FIVE:
        each = case(name)
        assert host.run(each) == each.due, name
    assert {path.name for path in folder.iterdir()} >= {"prompt.txt", "tokenizer.json"}


def test_a_window_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="the ONNX graph has no sliding window"):
        export_onnx(sliding_spec(8, 32), case("hello").image, tmp_path)
