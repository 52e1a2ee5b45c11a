"""docs/generate.md: the heads attend as its table says, and its host runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import looped
from looped.decoder import Spec, Vocabulary
from looped.decoder.export import export_causal
from tests.decoder.models import SMALL, model
from tests.programs.headers import FOLDER

pytest.importorskip("transformers")
PAGE = (Path(__file__).parents[2] / "docs" / "generate.md").read_text()
WORDS = [9, 10, 3, 10, 255, 6, 10, 10, 255, 1, 66]
ROWS = re.findall(r"^\| ([123]) \| (.+?) \| `(.+?)` \| (.+?) \|$", PAGE, re.M)


def test_each_head_attends_to_the_token_of_the_table() -> None:
    vocabulary = Vocabulary(SMALL)
    tokens = vocabulary.prompt(WORDS)
    assert vocabulary.text(tokens) in PAGE
    tokens += [vocabulary.first["b"] + 10, *vocabulary.value(0x41), vocabulary.first["p"] + 3]
    with torch.inference_mode():
        result = model(SMALL, "eager")(torch.tensor([tokens]), output_attentions=True)
    assert int(result.logits[0, -1].argmax()) == vocabulary.first["out"] + 0x41
    told = {layer: [row[2] for row in ROWS if row[0] == layer] for layer in "123"}
    assert [len(names) for names in told.values()] == [3, 3, 2]
    for layer, names in told.items():
        weights = result.attentions[int(layer) - 1][0, : len(names), -1]
        assert set(weights.unique().tolist()) == {0.0, 1.0}
        found = [vocabulary.name(tokens[place]).strip() for place in weights.argmax(-1).tolist()]
        assert found == names


def test_the_host_of_the_page_echoes(tmp_path: Path) -> None:
    image = looped.assemble(FOLDER / "subleq" / "echo.sasm")
    export_causal(Spec(width=16, memory=64), image, tmp_path / "echo-causal", "echo")
    (text,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    result = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.stdout == "hi\n", result.stderr
    imports = re.findall(r"^(?:from|import) (\w+)", text, re.M)
    assert imports == ["transformers"]
