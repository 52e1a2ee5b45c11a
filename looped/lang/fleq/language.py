"""The assembly language of FLEQ: parse, define, lay out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from looped.errors import Diagnostic, Source
from looped.lang.fleq.settings import WIDTHS, read_settings
from looped.lang.language import Language, Placed

__all__ = ["FLEQ"]


def _assemble(
    source: Source,
    width: int | None,
    asked: bool,
    errors: list[Diagnostic],
    parameters: Mapping[str, int],
) -> Placed:
    from looped.lang.fleq.data import read_data  # the parser takes a while to load
    from looped.lang.fleq.layout import lay_out
    from looped.lang.fleq.names import Names
    from looped.lang.fleq.parser import parse

    statements, wrong = parse(source)
    errors += wrong
    settings, names = read_settings(statements, width, asked, parameters), Names()
    read_data(statements, settings, names, errors)
    return lay_out(statements, settings, names, errors)


FLEQ = Language(
    "fleq",
    WIDTHS,
    32,
    _assemble,
    suffix=".fleq",
    comment=";",
    recognises=lambda source: Path(source.name).suffix == ".fleq",
)
"""The dialect of docs/fleq.md.

The symbols of an image are labels and matrices by address, `X.rows` and `X.cols` for each matrix,
and `fleq.side` and `fleq.fraction`, which the machine must have.
"""
