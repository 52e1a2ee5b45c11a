"""Source to Image in a given language, or all errors of the source."""

from __future__ import annotations

from collections.abc import Mapping

from looped.errors import Diagnostic, LoopedError, Source, SourceError, Span
from looped.image import Image
from looped.lang.language import Language

__all__ = ["assemble_in"]

_MOST_ERRORS = 100


def assemble_in(
    language: Language,
    source: Source,
    width: int | None,
    chosen: bool,
    parameters: Mapping[str, int],
) -> Image:
    """Assemble a source in a language; a `width` that is not None overrides its directives.

    So do `parameters` of the machine. If the caller has `chosen` the machine, the source may name
    another one. Raises SourceError with all errors of the source, in the order of the text.
    """
    errors: list[Diagnostic] = []
    try:
        placed = language.assemble(source, width, chosen, errors, parameters)
        if not placed.words and not errors:
            raise LoopedError("there is nothing to assemble", Span(source, 0, 0))
    except LoopedError as error:
        errors += error.diagnostics
    if errors:
        raise SourceError(_ordered(errors, source))
    return Image(
        language.name,
        placed.width,
        placed.words,
        placed.symbols,
        placed.source_map,
        placed.entry,
        language.addresses_per_word,
        constants=placed.constants,
    )


def _ordered(errors: list[Diagnostic], source: Source) -> list[Diagnostic]:
    """Errors by file (the user's first) and place; at most _MOST_ERRORS."""

    def order(diagnostic: Diagnostic) -> tuple[bool, str, int]:
        span = diagnostic.span
        if span is None:
            return True, "", 0
        return span.source.name != source.name, span.source.name, span.start

    unique = sorted(dict.fromkeys(errors), key=order)
    more = len(unique) - _MOST_ERRORS
    if more > 0:
        return [*unique[:_MOST_ERRORS], Diagnostic(f"and {more} more errors")]
    return unique
