"""The words that no user reads: idioms that need a second reading, and names that gave way."""

from __future__ import annotations

import re

__all__ = ["FORBIDDEN", "OLD_NAMES", "OLD_NAMES_OF_ROOMS", "forbidden_in"]

FORBIDDEN: dict[str, str] = {
    r"(is|are|was|were|be) told": "says, reports, prints, is selected by",
    r"to be had": "must be, is available",
    r"(go|goes|going|went) on": "continues",
    r"(put|puts|putting) out": "writes, prints",
    r"(into|in) reach": "on the PATH, available",
    r"anew": "again",
    r"for good": "for ever, permanently",
    r"(is|are) asked by": "key",
    r"(asks|ask) with": "query",
    r"hands? (it |them )?to": "falls back to, passes to",
    r"no file of looped": "not a looped file",
    r"from nowhere": "neither live before nor read",
    r"as it is lived": "which column it attends to",
    r"tenan(t|ts|cy|cies)": "live range, occupants",
    r"heirs?": "coalesced into",
    r"dynast(y|ies)": "coalesced into",
    r"without a word": "silently",
    r"away from home": "early",
    r"(is|are) no (register|bit|integer|number|word|instruction|multiple|power|gain)s?": "is not a",
    r"made nowhere": "never made",
    r"taken away": "subtracted",
    r"surroundings": "environment",
    r"but for": "except",
    r"half-blocks?": "phase",
    r"in the making": "under construction",
    r"(is|are|was) given up": "is abandoned",
    r"gives? (it|the next pass) up": "abandons, falls back",
    r"needs? done": "needs",
    r"(is|are) none of this": "is of another",
    r"file that is none": "if the file is not a",
    r"anything any more": "no longer",
    r"for want of": "without",
    r"leads? astray": "fails",
    r"stands? by": "is the fallback",
    r"of no interest": "does nothing",
    r"who asks for": "a caller that wants",
    r"vouch(es)? for": "contains",
    r"as what JSON can hold": "as values that JSON can hold",
    r"'s to say": "decides",
    r"which is none": "unknown",
    r"if nothing is said": "by default",
    r"made small": "shrunk",
    r"(the )?whole rest": "the rest of the line",
    r"and here it takes": "this command needs",
    r"stands here twice": "appears twice",
    r"behind its end": "after the end",
    r"names? among which": "with more names than this",
    r"while the source is read": "during reading",
}
"""Patterns of idioms, matched as whole words in any case, and what to write instead."""


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


OLD_NAMES = _set(
    """Tenancy tenants heirs dynasty weighed one_of Asked HostTarget leaps seal farm
    LOOSE STRAYED PATROL UNSEEN HOME uncounted offered mailbox rover"""
)
"""Names that no public class, function, field or constant has."""

OLD_NAMES_OF_ROOMS: dict[str, frozenset[str]] = {
    "circuit": _set("merge tight file_bits works working read_file"),
    "artefact": _set("file gap"),
    "passes": _set("settle gap"),
    "verify/certificate": _set(
        "Subject Scene View Meaning Answer Outcome Wrong gap lead carried moved"
    ),
    "machines": _set("plus minus start named settled stuck misplaced goes_off goes_on works due"),
    "engines": _set("gap hot cold tie found works due"),
    "devices": _set("place"),
}
"""Names that are good words elsewhere, by the room in which they meant something else."""

_PATTERN = re.compile("|".join(rf"\b{p}\b" for p in FORBIDDEN), re.IGNORECASE)


def forbidden_in(text: str) -> list[str]:
    """The forbidden idioms of a text, as they stand there; a line break counts as a blank."""
    return [match.group() for match in _PATTERN.finditer(" ".join(text.split()))]
