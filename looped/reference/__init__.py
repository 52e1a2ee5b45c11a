"""Plain interpreters, written from the manuals: what the transformers are held against."""

from looped.reference.rv32i import Rv32i
from looped.reference.rv32im import Rv32im
from looped.reference.subleq import Subleq
from looped.reference.system import Service, System, system_for

__all__ = ["REFERENCES", "Rv32i", "Rv32im", "Service", "Subleq", "System", "system_for"]

REFERENCES: dict[str, type[Rv32i | Subleq]] = {
    "rv32i": Rv32i,
    "rv32im": Rv32im,
    "subleq": Subleq,
}
