"""An exported folder is loaded by stock classes, without code of this project."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import looped
from looped.decoder import Spec, Vocabulary
from looped.decoder.export import export_causal
from looped.decoder.weights import weights
from looped.errors import FileError
from tests.programs.headers import FOLDER

transformers = pytest.importorskip("transformers")
SPEC = Spec(width=8, memory=64, context=4096)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("causal") / "made"
    export_causal(SPEC, looped.assemble(FOLDER / "subleq" / "countdown8.sasm"), path, "countdown8")
    return path


@pytest.mark.slow
def test_a_pipeline_prints_the_output_of_the_program(folder: Path) -> None:
    run = transformers.pipeline("text-generation", model=str(folder))
    prompt = (folder / "prompt.txt").read_text()
    result = run(prompt, return_full_text=False, add_special_tokens=False)
    assert result[0]["generated_text"] == "9876543210\n"


def test_the_folder_holds_the_weights_and_says_what_they_are(folder: Path) -> None:
    stock = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert type(stock) is transformers.LlamaForCausalLM and stock.dtype == torch.float32
    found = weights(SPEC).state
    assert set(found) == set(stock.state_dict())
    assert all(torch.equal(tensor, found[name]) for name, tensor in stock.state_dict().items())
    card = (folder / "README.md").read_text()
    assert "A SUBLEQ computer with 8-bit words and 64 words of memory" in card
    assert f"{sum(t.numel() for t in found.values()):,} parameters" in card and "{" not in card
    settings = json.loads((folder / "generation_config.json").read_text())
    vocabulary = Vocabulary(SPEC)
    assert settings["eos_token_id"] == [vocabulary.halt, vocabulary.ask]
    assert settings["max_length"] == SPEC.context and settings["do_sample"] is False


@pytest.mark.slow
def test_the_program_of_the_card_prints_output_and_listing(folder: Path) -> None:
    (text,) = re.findall(r"^```python\n(.*?)^```", (folder / "README.md").read_text(), re.M | re.S)
    result = subprocess.run(
        [sys.executable, "-c", text], cwd=folder, capture_output=True, text=True
    )
    assert result.stdout.startswith("9876543210\n\n9 → 03\n[19] 38 → 06\n"), result.stderr
    assert result.stdout.endswith(" <halt>\n\n")


def test_a_folder_with_files_of_others_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    with pytest.raises(FileError, match="holds files, and no machine"):
        export_causal(SPEC, image, tmp_path, "countdown8")
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    with pytest.raises(FileError, match="cannot write into"):
        export_causal(SPEC, image, tmp_path / "file" / "folder", "x")
