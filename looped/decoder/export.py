"""export_causal: a folder that `AutoModelForCausalLM` and `pipeline` load."""

from __future__ import annotations

import json
from pathlib import Path

from looped.decoder.folder import begin_folder, write_tokenizer
from looped.decoder.llama import generation_config, llama_config
from looped.decoder.mistral import mistral_config
from looped.decoder.model_card import model_card
from looped.decoder.spec import Spec
from looped.decoder.weights import weights
from looped.files import write_atomically
from looped.image import Image
from looped.tensorfile import write_tensors

__all__ = ["export_causal"]


def export_causal(spec: Spec, image: Image, folder: Path, name: str) -> None:
    """Write a machine and the prompt of a program into a folder, which it makes if necessary.

    The weights depend on the machine alone; `prompt.txt` is the program. `name` is what the model
    card calls it. Raises FileError, or CompileError if the program or the context does not fit.
    """
    found = weights(spec)
    begin_folder(spec, image, folder)
    write_tokenizer(spec, folder)
    tensors = {name: tensor.numpy() for name, tensor in found.state.items()}
    write_tensors(folder / "model.safetensors", tensors, {"format": "pt"})
    config = llama_config(found) if spec.window is None else mistral_config(found)
    for file, content in (
        ("config.json", config),
        ("generation_config.json", generation_config(spec)),
    ):
        write_atomically(folder / file, (json.dumps(content, indent=2) + "\n").encode())
    write_atomically(folder / "README.md", model_card(found, name).encode())
