"""certify_folder: the same proof for an exported folder, from its files alone.

The weights are proved as they are. Whatever else decides what `generate` makes of them must be what
the export writes: the class and its settings, the settings of generation, the tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError

from looped.decoder.folder import read_json, read_spec
from looped.decoder.llama import generation_config, llama_config
from looped.decoder.mistral import mistral_config
from looped.decoder.replay import replay
from looped.decoder.spec import Spec
from looped.decoder.tokenizer import tokenizer
from looped.decoder.vocabulary import Vocabulary
from looped.decoder.weights import weights
from looped.errors import FileError
from looped.files import read_bytes
from looped.verify.causal.certify import CausalCertificate, certify_causal
from looped.verify.certificate.claims import LAYOUT, Claim

__all__ = ["certify_folder"]

_LARGEST = 1 << 30
"""Bytes of the weights of the largest machine, and more."""

_NOTES = frozenset({"transformers_version", "_name_or_path", "use_cache", "initializer_range"})
"""Settings that change no logit and no choice of a token."""

_DEFAULTS = {"pretraining_tp": 1}
"""Settings that `transformers` adds, with the value that they must have."""


def certify_folder(folder: Path) -> CausalCertificate:
    """Prove what an exported folder does with every text of its form.

    Raises FileError if a file is missing or unreadable, and CompileError for impossible sizes or
    if `transformers` is not installed.
    """
    spec = read_spec(folder)
    try:
        state = safetensors.torch.load(read_bytes(folder / "model.safetensors", _LARGEST))
    except SafetensorError:
        raise FileError(f"{folder / 'model.safetensors'} is damaged") from None
    found = weights(spec)
    config = llama_config(found) if spec.window is None else mistral_config(found)
    expected = {"config.json": config, "generation_config.json": generation_config(spec)}
    claims = [
        _claim(
            name, "holds what the export writes", len(wanted), _differences(folder / name, wanted)
        )
        for name, wanted in expected.items()
    ]
    text = tokenizer(Vocabulary(spec))
    size = len(Vocabulary(spec).types)
    claims.append(_claim("tokenizer.json", "names each token", size, _other_tokens(folder, text)))
    claims.append(_claim("prompt.txt", "is a program", 1, _prompt_faults(folder, spec, text)))
    proof = certify_causal(spec, state, config)
    return replace(proof, claims=(*claims, *proof.claims))


def _claim(name: str, statement: str, cases: int, faults: Iterator[str]) -> Claim:
    return Claim(None, name, statement, LAYOUT, cases, next(faults, None))


def _differences(path: Path, wanted: Mapping[str, Any]) -> Iterator[str]:
    """Settings that differ. When `transformers` saves a model, it leaves out `rope_theta` and
    `torch_dtype`: `rope_parameters` and `dtype` say the same."""
    found, aside = read_json(path), {"rope_theta", "torch_dtype"}
    for name in sorted(found.keys() - wanted.keys() - _DEFAULTS.keys() - _NOTES):
        yield f"`{name}` is unknown"
    for name, value in {**_DEFAULTS, **wanted}.items():
        left_out = name not in found and (name in aside or name in _DEFAULTS)
        if not left_out and found.get(name) != value:
            yield f"`{name}` is {found.get(name)!r} and not {value!r}"


def _other_tokens(folder: Path, text: Any) -> Iterator[str]:
    found = read_bytes(folder / "tokenizer.json", _LARGEST)
    try:
        same = json.loads(found) == json.loads(text.backend_tokenizer.to_str())
    except ValueError:
        same = False
    if not same:
        yield "it is not the tokenizer of this machine"


def _prompt_faults(folder: Path, spec: Spec, text: Any) -> Iterator[str]:
    vocabulary = Vocabulary(spec)
    try:
        prompt = read_bytes(folder / "prompt.txt", _LARGEST).decode()
    except UnicodeDecodeError:
        prompt = ""
    tokens: list[int] = text(prompt, add_special_tokens=False).input_ids
    left = replay(vocabulary, tokens)
    if left.pc is None or vocabulary.prompt(left.words(spec.memory), left.pc) != tokens:
        yield "it is not the prompt of a program"
    elif len(tokens) >= spec.context:
        yield "it leaves no room for a run"
