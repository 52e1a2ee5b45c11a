"""Write the causal machine of a program for a host: transformers, llama.cpp, ONNX."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from looped import registry
from looped.cli.certify_causal import causal_spec, certified
from looped.cli.options import Wanted, open_source
from looped.decoder.machine import machine
from looped.errors import FileError

__all__ = ["write_causal"]

_SHORT = 1 << 12
"""Tokens that an exported encoder-decoder generates at most: each has a row of an embedding."""


def write_causal(
    target: str, folder: Path, kind: str, wanted: Wanted, window: bool
) -> tuple[str, int]:
    """Write a program and its machine into a folder. Returns what it is, and its layers.

    A causal machine is certified first. Raises CertificateError, CompileError or FileError.
    """
    if target in registry.names():
        raise FileError(f"{target} is a machine: a prompt needs a program")
    image, name = open_source(Path(target), wanted), Path(target).name
    spec = causal_spec(image, wanted.memory, window=window)
    if kind == "bart":
        from looped.cli.encoder import encoder_layout
        from looped.decoder.harvard.bart import export_bart

        export_bart(encoder_layout(replace(spec, context=_SHORT), image), image, folder)
        return "a BartForConditionalGeneration", 1 + 2
    certified(spec)
    layers = machine(spec).layers
    if kind == "gguf":
        from looped.decoder.hosts.gguf import export_gguf

        export_gguf(spec, image, folder, name)
        return "a GGUF file", layers
    if kind == "onnx":
        from looped.decoder.hosts.onnx import export_onnx

        export_onnx(spec, image, folder)
        return "an ONNX graph", layers
    from looped.decoder.export import export_causal

    export_causal(spec, image, folder, name)
    return "a LlamaForCausalLM" if spec.window is None else "a MistralForCausalLM", layers
