"""Words as people write them, and columns by the labels of a program."""

from __future__ import annotations

from looped.artefact.plan import Plan
from looped.image import Image
from looped.number_format import NumberFormat

__all__ = ["labels_of", "memory_format", "shown"]

_DECIMAL = 100_000
"""From here on, words that are no signed numbers are easier to read as hexadecimal."""


def memory_format(plan: Plan) -> NumberFormat:
    """How to read a word of memory: as the machine prints it, if it prints whole words."""
    port = plan.ports.print
    if port is not None and len(plan.words[port.content]) == plan.width:
        return plan.formats[port.content]
    return plan.formats["value"]


def shown(plan: Plan, word: str, value: int, width: int) -> str:
    """An unsigned value of a word as text: as a number of its format, large ones in hexadecimal.

    Words without a format, as wide as those of memory, are read as they are.
    """
    form = plan.formats.get(word)
    if width == plan.width and (form is None or word == "value"):
        form = memory_format(plan)
    if form is None or not form.is_number:
        return str(value) if value < _DECIMAL else f"{value:#x}"
    if form.fraction_bits:
        return f"{float(form.number(value, width)):.4g}"
    number = form.units(value, width)
    return str(number) if number < _DECIMAL else f"{number:#x}"


def labels_of(image: Image, plan: Plan) -> dict[int, str]:
    """The label of each column of memory that has one in the program."""
    names: dict[int, str] = {}
    for name, address in image.labels.items():
        column = image.index(address)
        if 0 <= column < plan.memory:
            names.setdefault(column, name)
    return names
