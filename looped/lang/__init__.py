"""Assembly language: text to image. It knows nothing of transformers."""

from looped.lang.assembler import assemble, assemble_file

__all__ = ["assemble", "assemble_file"]
