"""A case as a source file, which reports a failure."""

from __future__ import annotations

from collections.abc import Sequence

from looped import registry
from looped.profiles.case import Case

__all__ = ["source"]


def source(case: Case, heading: Sequence[str]) -> str | None:
    """The text of a program: its words up to the last that is not zero, after lines of comment.

    None if the language of its machine cannot write all words.
    """
    listing = registry.fuzz_profile(case.image.machine).listing
    if listing is None:
        return None
    image = case.image
    words = image.words[: max((n + 1 for n, word in enumerate(image.words) if word), default=1)]
    language = registry.machine(image.machine).language
    lines = list(listing(words))
    margin = max(len(text) for text, _ in lines)
    header = [f"{language.comment} {line}".rstrip() for line in heading]
    settings = [f".machine {image.machine}"]
    if len(language.widths) > 1:
        settings.append(f".width {image.width}")
    body = [f"        {text.ljust(margin)}  {language.comment} {remark}" for text, remark in lines]
    return "\n".join([*header, "", *settings, "", *body, ""])
