"""Plain interpreters, written from the manuals: what the transformers are held against."""

from looped.reference.subleq import Subleq

__all__ = ["REFERENCES", "Subleq"]

REFERENCES = {"subleq": Subleq}
