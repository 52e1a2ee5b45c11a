"""Assembly language: text to image. It knows nothing of transformers."""

from looped.lang.assembler import LANGUAGES, assemble, assemble_file

__all__ = ["LANGUAGES", "assemble", "assemble_file"]
