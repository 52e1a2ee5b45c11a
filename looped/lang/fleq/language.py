"""The assembly language of FLEQ: parse, define, lay out."""

from __future__ import annotations

from looped.errors import Diagnostic, LoopedError, Source, SourceError, Span
from looped.image import Image
from looped.lang.fleq.data import read_data
from looped.lang.fleq.layout import lay_out
from looped.lang.fleq.names import Names
from looped.lang.fleq.parser import parse
from looped.lang.fleq.settings import WIDTHS, read_settings
from looped.lang.language import Language, Placed

__all__ = ["FLEQ", "assemble"]

_MOST_ERRORS = 100


def _assemble(source: Source, width: int | None, asked: bool, errors: list[Diagnostic]) -> Placed:
    statements, wrong = parse(source)
    errors += wrong
    settings, names = read_settings(statements, width, asked), Names()
    read_data(statements, settings, names, errors)
    return lay_out(statements, settings, names, errors)


FLEQ = Language("fleq", WIDTHS, 32, _assemble)
"""The dialect of docs/fleq.md."""


def assemble(source: Source, *, width: int | None = None) -> Image:
    """The image of a FLEQ source; `width` overrides `.width`.

    Its symbols are labels and matrices by address, `X.rows` and `X.cols` for each matrix, and
    `fleq.side` and `fleq.fraction`, which the machine must have. Raises SourceError with
    everything that is wrong, in the order of the text.
    """
    errors: list[Diagnostic] = []
    placed = None
    try:
        placed = FLEQ.assemble(source, width, True, errors)
        if not placed.words and not errors:
            raise LoopedError("there is nothing to assemble", Span(source, 0, 0))
    except LoopedError as error:
        errors += error.diagnostics
    if errors:
        raise SourceError(_ordered(errors))
    assert placed is not None
    return Image(FLEQ.name, placed.width, placed.words, placed.symbols, placed.source_map)


def _ordered(errors: list[Diagnostic]) -> list[Diagnostic]:
    """Errors by place; a flood is cut."""
    unique = sorted(dict.fromkeys(errors), key=lambda d: -1 if d.span is None else d.span.start)
    more = len(unique) - _MOST_ERRORS
    return [*unique[:_MOST_ERRORS], Diagnostic(f"and {more} more errors")] if more > 0 else unique
