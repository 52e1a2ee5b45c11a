"""The heads of the encoder-decoder: what each copies, and from where, for all words and texts.

A head has a bilinear form of the lanes of query and key, W_Qᵀ W_K / √d_head, whose entries are
integers here, and a matrix W_O W_V, which must copy lanes from -1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from looped.decoder.harvard import Layout
from looped.decoder.spec import HEAD_DIM
from looped.precision import FLOAT32
from looped.verify.causal.mlp import bound, exact_sum, lattice
from looped.verify.causal.tokens import FIRST, TokenType, marked
from looped.verify.certificate.rows import matrix_rows

__all__ = ["Decoded", "encoder_fault", "fetch_fault", "gather_fault", "program_fault", "read_fault"]

_TICK = 128.0
"""Logits between two positions."""

Copies = Mapping[int, int]
"""Target lane to source lane."""


@dataclass(frozen=True)
class Head:
    """The bilinear form of the scores (lane of the query, lane of the key), and the lanes that are
    copied, or what is wrong with them."""

    form: Any
    copies: Copies
    fault: str | None


def heads(state: Mapping[str, Tensor], name: str) -> list[Head]:
    """The heads of an attention layer that write."""
    q, k, v, o = (state[f"{name}.{part}_proj.weight"].double().numpy() for part in "qkvo")
    found = []
    for start in range(0, len(q), HEAD_DIM):
        own = slice(start, start + HEAD_DIM)
        if o[:, own].any():
            copies, fault = _copies(v[own], o[:, own])
            if not _exact(q[own], k[own]):
                fault = "a score rounds in float32"
            found.append(Head(q[own].T @ k[own] / HEAD_DIM**0.5, copies, fault))
    return found


def _exact(q: Any, k: Any) -> bool:
    """Whether float32 holds every query, every key, and every partial sum of their products."""
    rows = [matrix_rows(each.astype(np.float32)) for each in (q, k)]
    if not all(exact_sum([*r.values()], [*r.values()], FLOAT32) for each in rows for r in each):
        return False
    used = [(a, b) for a, b in zip(*rows, strict=True) if a and b]
    return exact_sum(
        [bound(a) * bound(b) for a, b in used], [lattice(a) * lattice(b) for a, b in used], FLOAT32
    )


def _copies(v: Any, o: Any) -> tuple[Copies, str | None]:
    """The lanes that W_O W_V copies: each adds the source and 1."""
    copies = {}
    for target in np.flatnonzero(o.any(axis=1)):
        (dimensions,) = np.nonzero(o[target])
        row = v[dimensions[0]]
        (sources,) = np.nonzero(row)
        plain = len(dimensions) == 1 and o[target, dimensions[0]] == 1
        if not plain or len(sources) != 2 or sources[0] != 0 or (row[sources] != 1).any():
            return {}, f"lane {target} is written in another way"
        copies[int(target)] = int(sources[1])
    return copies, None


def _matched(found: Sequence[Head], wanted: Iterable[Copies]) -> list[Head] | str:
    """The heads in the order of what they must copy; or what is wrong."""
    for head in found:
        if head.fault is not None:
            return head.fault
    by_copies = {tuple(sorted(head.copies.items())): head for head in found}
    keys = [tuple(sorted(copies.items())) for copies in wanted]
    if len(found) != len(keys) or set(by_copies) != set(keys):
        return "the heads copy other lanes"
    return [by_copies[key] for key in keys]


def _columns(layout: Layout, state: Mapping[str, Tensor]) -> Any:
    """The columns of the encoder before its attention, with zeros for the bytes of words."""
    vocabulary, digits = layout.vocabulary, layout.spec.digits
    kinds = [vocabulary.first[f"v{k}"] for k in range(digits)]
    tokens = [vocabulary.begin, *itertools.chain(*[kinds] * layout.spec.memory)]
    x = (state["tokens"][tokens] + state["encoder_positions"]).double().numpy()
    x[1:, list(layout.lanes["digit"])] = 0.0
    return x


def _digits(layout: Layout, word: str) -> Iterator[Copies]:
    lanes, digits = layout.lanes, layout.spec.digits
    for k in range(digits):
        low = 8 * (digits - 1 - k)
        yield dict(zip(lanes[word][low : low + 8], lanes["digit"], strict=False))


def encoder_fault(layout: Layout, state: Mapping[str, Tensor]) -> str | None:
    """Each word gathers its own digits and those of the two words after it."""
    lanes, spec, x = layout.lanes, layout.spec, _columns(layout, state)
    order = "abc" if spec.order == 0 else "bac"
    wanted = [copies for word in order for copies in _digits(layout, word)]
    found = _matched(heads(state, "encoder.self_attn"), wanted)
    if isinstance(found, str):
        return found
    words = np.arange(layout.encoded - 1) // spec.digits
    for index, head in enumerate(found):
        offset, k = divmod(index, spec.digits)
        due = np.concatenate([[0], 1 + (words + offset) % spec.memory * spec.digits + k])
        fault = _wins(head.form, list(lanes["digit"]), x, x, due)
        if fault is not None:
            return fault
    return None


def _wins(form: Any, free: list[int], queries: Any, keys: Any, due: Any) -> str | None:
    """Whether each query attends to the key that is due. Lanes that are free play no part."""
    if form[free].any() or form[:, free].any():
        return "a score depends on the bytes of a word"
    scores = queries @ form @ keys.T
    best = scores[np.arange(len(due)), due].copy()
    scores[np.arange(len(due)), due] = -np.inf
    if (best - scores.max(axis=1) <= FLOAT32.underflow).any():
        return "another column of the encoder wins"
    return None


class Decoded:
    """A layer of the decoder, and the types of tokens before one of its parts."""

    def __init__(
        self,
        layout: Layout,
        state: Mapping[str, Tensor],
        block: int,
        types: Mapping[str, TokenType],
    ) -> None:
        self.layout, self.state, self.types = layout, state, types
        self.own = f"decoder.{block}.self_attn"
        self.cross = f"decoder.{block}.cross_attn"

    def after_self(self) -> dict[str, TokenType]:
        """The types after self-attention: what is copied is free, but the first token sees itself
        alone."""
        made = self._targets(self.own)
        first = self.types[FIRST]
        signs = {target: first.fixed[source] for target, source in made.items()}
        after = {name: kind.freed(made) for name, kind in self.types.items()}
        return after | {FIRST: first.holding(signs)}

    def after_cross(self) -> dict[str, TokenType]:
        """The types after cross-attention: what is copied is free, unless it is -1 in all columns
        of the encoder."""
        columns = _columns(self.layout, self.state)
        written = {t for head in heads(self.state, "encoder.self_attn") for t in head.copies}
        unset = set(np.flatnonzero((columns == -1).all(axis=0)).tolist()) - written
        made = {t for t, source in self._targets(self.cross).items() if source not in unset}
        return {name: kind.freed(made) for name, kind in self.types.items()}

    def _targets(self, name: str) -> dict[int, int]:
        return {t: s for head in heads(self.state, name) for t, s in head.copies.items()}

    def unset(self, copies: Iterable[Copies]) -> str | None:
        """What is wrong if some target is not -1 before."""
        for target in {t for each in copies for t in each}:
            if any(kind.fixed.get(target) != -1 for kind in self.types.values()):
                return f"lane {target} is not -1 before"
        return None


def gather_fault(decoded: Decoded) -> str | None:
    """The latest address, digits of the value, and program counter; the first token is the oldest
    of each."""
    layout, lanes, marks = decoded.layout, decoded.layout.lanes, marked(decoded.layout.spec)
    flags = ["is_b", *(f"is_v{k}" for k in range(layout.spec.digits)), "is_p"]
    words = [dict(zip(lanes["address"], lanes["digit"], strict=False)), *_digits(layout, "value")]
    words.append(dict(zip(lanes["pc"], lanes["digit"], strict=False)))
    found = _matched(heads(decoded.state, decoded.own), words)
    if isinstance(found, str):
        return found
    for flag, head in zip(flags, found, strict=True):
        levels = _levels(decoded, head, {}, marks[flag])
        if isinstance(levels, str):
            return levels
        top, _, others = levels
        if not top - others - _TICK * layout.spec.context > FLOAT32.underflow:
            return "another kind of token wins"
    return decoded.unset(words)


def read_fault(decoded: Decoded) -> str | None:
    """The latest cell of an address, else the first token, whose word is zero and not a cell."""
    layout, lanes, marks = decoded.layout, decoded.layout.lanes, marked(decoded.layout.spec)
    reads = []
    for word in "ab":
        copies = dict(zip(lanes[f"mem_{word}"], lanes["value"], strict=True))
        reads.append(copies | {lanes[f"found_{word}"][0]: lanes["cell"][0]})
    found = _matched(heads(decoded.state, decoded.own), reads)
    if isinstance(found, str):
        return found
    for word, head in zip("ab", found, strict=True):
        pairs = dict(zip(lanes[word], lanes["address"], strict=False))
        levels = _levels(decoded, head, pairs, marks["cell"])
        if isinstance(levels, str):
            return levels
        top, first, others = levels
        if not top - first > FLOAT32.underflow:
            return "the first token wins over a record"
        if not first - others - _TICK * layout.spec.context > FLOAT32.underflow:
            return "a record of another address wins"
    blank = [*lanes["value"], *lanes["cell"]]
    if any(decoded.types[FIRST].fixed.get(lane) != -1 for lane in blank):
        return "the first token is a cell, or its word is not zero"
    return decoded.unset(reads)


def _levels(
    decoded: Decoded, head: Head, pairs: Mapping[int, int], cells: Iterable[str]
) -> tuple[float, float, float] | str:
    """The scores of a match, of the first token, and the largest of any other token, all without
    the clock. The first token may be a match, whose clock is 0."""
    form, times = head.form, list(decoded.layout.lanes["time"])
    tops, others, first = set(), [], 0.0
    for name, kind in decoded.types.items():
        found = _reduced(form, kind, pairs, times, name == FIRST)
        if isinstance(found, str):
            return found
        constant, products = found
        most = constant + sum(products.values())
        if name == FIRST:
            first = constant
            if products:
                return "the score of the first token depends on the query"
        if name in cells or (name == FIRST and not pairs):
            if name != FIRST and set(products) != set(pairs.items()):
                return "a match depends on other lanes"
            tops.add(most)
            others += [most - 2 * c for c in products.values()]
        elif name != FIRST:
            others.append(constant + sum(map(abs, products.values())))
    if len(tops) != 1:
        return "tokens that match have different scores"
    (top,) = tops
    return top, first, max(others)


def _reduced(
    form: Any, kind: TokenType, pairs: Mapping[int, int], times: list[int], alone: bool
) -> tuple[float, dict[tuple[int, int], float]] | str:
    """The score of keys of a type at position 0: a constant, and products of lanes of query and
    key. The clock must be 128 for each position."""
    fixed = np.zeros(form.shape[1])
    fixed[list(kind.fixed)] = list(kind.fixed.values())
    free = [lane for lane in range(form.shape[1]) if lane not in kind.fixed]
    asked = [lane for lane in range(form.shape[0]) if lane != 0 and form[lane].any()]
    if not set(asked) <= set(pairs):
        return "a query depends on other lanes"
    alone_terms = form @ fixed  # by lane of the query
    if alone_terms[asked].any():
        return "the score of all keys depends on the query"
    constant = float(alone_terms[0])
    clock = [_TICK / 2 * 2**i for i in range(len(times))]
    if not alone:
        if form[0, times].tolist() != clock:
            return "the clock is another one"
        constant -= sum(clock)
    rest = [lane for lane in free if lane not in times]
    if form[0, rest].any() or form[np.ix_(asked, times)].any():
        return "the score of a key depends on its word"
    products = {(a, k): float(form[a, k]) for a in asked for k in rest if form[a, k]}
    if any(pairs.get(a) != k for a, k in products):
        return "a key matches other lanes"
    return constant, products


def fetch_fault(decoded: Decoded) -> str | None:
    """The instruction at the program counter, and the program counter after it."""
    lanes = decoded.layout.lanes
    same = [lane for word in ("a", "b", "c", "following") for lane in lanes[word]]
    wanted = [dict(zip(same, same, strict=True))]
    found = _matched(heads(decoded.state, decoded.cross), wanted)
    if isinstance(found, str):
        return found
    return _asked(decoded, found[0], "pc", None) or decoded.unset(wanted)


def program_fault(decoded: Decoded) -> str | None:
    """The word of the program, or zero if the decoder has found one."""
    lanes = decoded.layout.lanes
    wanted = [dict(zip(lanes[f"mem_{word}"], lanes["a"], strict=True)) for word in "ab"]
    found = _matched(heads(decoded.state, decoded.cross), wanted)
    if isinstance(found, str):
        return found
    for word, head in zip("ab", found, strict=True):
        fault = _asked(decoded, head, word, lanes[f"found_{word}"][0])
        if fault is not None:
            return fault
    return None


def _asked(decoded: Decoded, head: Head, word: str, found: int | None) -> str | None:
    """Whether each address asks for the last digit of its word, or for the first token if `found`
    is +1. Keys are the columns of the encoder, in which each word is free."""
    layout, lanes, spec = decoded.layout, decoded.layout.lanes, decoded.layout.spec
    keys = _columns(layout, decoded.state)
    address = list(lanes[word][: spec.address_bits])
    lanes_asked = {0, *address, *([] if found is None else [found])}
    if any(head.form[lane].any() for lane in range(len(head.form)) if lane not in lanes_asked):
        return "a query depends on other lanes"
    words = [lane for name in ("digit", "a", "b", "c") for lane in lanes[name]]
    if head.form[:, words].any():
        return "a score depends on the bytes of a word"
    numbers = np.arange(spec.memory)
    for sign in (-1.0,) if found is None else (-1.0, 1.0):
        queries = np.zeros((spec.memory, len(head.form)))
        queries[:, 0] = 1.0
        queries[:, address] = 2.0 * (numbers[:, None] >> np.arange(len(address)) & 1) - 1
        if found is not None:
            queries[:, found] = sign
        due = numbers * 0 if sign > 0 else (numbers + 1) * spec.digits
        fault = _wins(head.form, [], queries, keys, due)
        if fault is not None:
            return fault
    return None
