"""Tensor files of tensors of any dtype, as somebody else might make them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import safetensors.torch
from torch import Tensor

__all__ = ["with_checksum"]

_BLANK = "0" * 64


def with_checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The content of a file whose checksum is right."""
    plain = {name: tensor.contiguous() for name, tensor in tensors.items()}
    content = safetensors.torch.save(plain, {**metadata, "sha256": _BLANK})
    digest = hashlib.sha256(content).hexdigest()
    return content.replace(f'"sha256":"{_BLANK}"'.encode(), f'"sha256":"{digest}"'.encode(), 1)
