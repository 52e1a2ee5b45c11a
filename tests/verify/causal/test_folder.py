"""The certificate of an exported folder reads its files, and trusts none of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

import looped
from looped.decoder import Spec
from looped.decoder.export import export_causal
from looped.errors import FileError
from looped.verify.causal import certify_folder
from tests.programs.headers import FOLDER

transformers = pytest.importorskip("transformers")
SPEC = Spec(width=8, memory=32, context=1024)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    path = tmp_path_factory.mktemp("certified") / "made"
    export_causal(SPEC, image, path, "countdown8")
    return path


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "made"))


def fault(folder: Path) -> str:
    proof = certify_folder(folder)
    assert not proof.certified()
    claim = next(claim for claim in proof.claims if not claim.holds)
    return f"{claim.part}: {claim.fault}"


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.slow
def test_a_folder_is_certified_also_when_transformers_has_saved_it(folder: Path) -> None:
    assert certify_folder(folder).certified()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    model.save_pretrained(folder)
    assert certify_folder(folder).certified()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("config.json", {"hidden_act": "gelu"}, "`hidden_act` is 'gelu' and not 'silu'"),
        ("config.json", {"model_type": "gemma"}, "`model_type` is 'gemma' and not 'llama'"),
        ("config.json", {"auto_map": {}}, "`auto_map` is unknown"),
        ("generation_config.json", {"do_sample": True}, "`do_sample` is True and not False"),
        ("generation_config.json", {"repetition_penalty": 2.0}, "`repetition_penalty` is unknown"),
        ("tokenizer.json", {"truncation": 1}, "it is not the tokenizer of this machine"),
    ],
)
def test_another_setting_is_refused(
    folder: Path, file: str, change: dict[str, Any], message: str
) -> None:
    changed(folder / file, lambda content: content.update(change))
    assert fault(folder) == f"{file}: {message}"


def test_another_weight_is_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    state = safetensors.torch.load_file(path)
    state["lm_head.weight"][5] *= 2
    safetensors.torch.save_file(state, path)
    assert fault(folder).startswith("logits: ")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FileError, match="model.safetensors is damaged"):
        certify_folder(folder)


@pytest.mark.slow
def test_another_text_is_no_prompt(folder: Path) -> None:
    prompt = (folder / "prompt.txt").read_text()
    (folder / "prompt.txt").write_text(prompt.replace(" → 00", " → 00\n[00]"))
    assert fault(folder) == "prompt.txt: it is not the prompt of a program"
