"""The lanes of a causal machine: what a token knows of itself, and what it computes."""

from __future__ import annotations

from looped.decoder.forms import Lanes
from looped.decoder.spec import COLUMNS, Spec

__all__ = ["COLUMN_BITS", "machine_lanes"]

COLUMN_BITS = (COLUMNS - 1).bit_length()


def machine_lanes(spec: Spec) -> Lanes:
    """The lanes by name; lowest bit first in a word.

    Set by the embedding: `digit` is the number of the token; `is_…` its kind; `cell` says that it
    is a memory cell, `first` that it is the first token, `image` that it is a word of the prompt
    and `column` which one of its line; `due_…` is the kind of the next token, as far as this one
    decides it.

    Computed: the latest `address`, `value` and `pc`; `pc1` and `pc2` are the two addresses after
    it, `next` is the next program counter; `a b c` are the operands, `mem_a mem_b` the words that
    they name. mem_b becomes the difference, and `next` may become c.
    """
    w, address, digits = spec.width, spec.address_bits, spec.digits
    groups = [
        ("digit", max(8, address, spec.pc_bits)),
        *[("is_b", 1), ("is_v", digits), ("is_p", 1)],
        *[("cell", 1), ("first", 1), ("image", 1), ("column", COLUMN_BITS)],
        *[("due_b", 1), ("due_v", digits), ("due_p", 1), ("due_ask", 1), ("due_out", 1)],
        *[("address", address), ("value", w), ("pc", max(spec.pc_bits, address))],
        *[("pc1", address), ("pc2", address), ("next", w)],
        *[("a", w), ("b", w), ("c", w), ("mem_a", w), ("mem_b", w)],
    ]
    if spec.window is not None:
        groups += [("is_r", 1), ("refreshes", 1), ("due_r", 1), ("due_u", digits)]
        groups += [("oldest", address), ("oldest1", address), ("word", w)]
    return Lanes(groups)
