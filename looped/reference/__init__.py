"""Plain interpreters, written from the manuals: what the transformers are held against."""

from looped.reference.rv32i import Rv32i
from looped.reference.subleq import Subleq

__all__ = ["REFERENCES", "Rv32i", "Subleq"]

REFERENCES: dict[str, type[Rv32i | Subleq]] = {"rv32i": Rv32i, "subleq": Subleq}
