"""What the heads of a block do to every lane of every class of columns, for all states.

The scores say which column each head attends to (`winners`). What the head then adds is a form of
the lanes of that column (`attention_state`). In every lane, the sum must be what the reads and
writes of the circuit put there (`memory_access`).

With several workers the proof of a class of columns has one of them, in any state. That is enough:

- To the columns that are no workers, which worker it is makes no difference. In the heads of a
  block, each worker that they attend to writes to them (`_wrong_worker`), and at most one worker
  does (`workers`). So they attend to it in the presence of all others: it leads the best column
  that is no worker by the margin, as that column leads each other worker. Else that column leads
  all workers. So these columns become what they become beside that one worker alone.
- A worker attends to no other worker: whatever lanes that one has, it loses to the best of the
  columns that are no other worker by the margin.

A score depends on the lanes of two columns, so these claims about pairs of columns cover any
number of workers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from looped.circuit.circuit import Read
from looped.circuit.signals import Signal
from looped.circuit.words import Lane
from looped.diagrams import Node, Number, TooLarge
from looped.verify.certificate.attention_state import AttentionState, is_device
from looped.verify.certificate.claims import DIAGRAMS, Claim, ClaimFailed
from looped.verify.certificate.columns import ColumnClass
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.memory_access import MemoryAccess
from looped.verify.certificate.phases import after_attention
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.rows import BlockRows, Row
from looped.verify.certificate.winners import (
    AttentionResult,
    attention_result,
    content_in_keys,
    order_variables,
)

__all__ = ["AttentionProof", "prove_attention"]


@dataclass(frozen=True)
class AttentionProof:
    """The claims about the attention of a block, and the least scaled margin of each head."""

    claims: tuple[Claim, ...]
    scaled_margins: dict[int, Number]


def prove_attention(context: ProofContext, block: int, rows: BlockRows) -> AttentionProof:
    """The claims about the attention of a block, and the margins of its heads."""
    claims: list[Claim] = []
    least: dict[int, Number] = {}
    for columns in context.classes:
        proved = _proved(context, block, rows, columns)
        fault = proved.reason if isinstance(proved, ClaimFailed) else None
        if not isinstance(proved, ClaimFailed):
            for head, margin in proved.items():
                least[head] = min(margin, least.get(head, margin))
        statement = _statement(context, block, columns)
        part = "attention: CPU" if columns.is_cpu else f"attention: columns {columns.name}"
        claims.append(Claim(block, part, statement, DIAGRAMS, context.plan.d_model, fault))
    return AttentionProof(tuple(claims), least)


def _statement(context: ProofContext, block: int, columns: ColumnClass) -> str:
    phase = after_attention(block)
    reads = context.schedule.reads.get(phase, [])
    writes = context.schedule.writes.get(phase, [])
    if columns.is_cpu and reads:
        return f"{_reading(reads)}; no other lane changes"
    if writes and not is_device(context, columns):
        return "hold the written word if the address is theirs, else their old word"
    return "no lane changes" if columns.is_cpu else "do not change"


def _reading(reads: Sequence[Read]) -> str:
    """What the reads do; reads that do the same are listed together."""
    groups: dict[str, list[str]] = {}
    for read in reads:
        what = "the word at its address"
        if read.onto is not None:
            what += ", subtracted from ones" if read.negated else ", added to zeros"
        groups.setdefault(what, []).append(f"`{read.name}`")
    return "; ".join(f"{', '.join(names)}: {what}" for what, names in groups.items())


def _proved(
    context: ProofContext, block: int, rows: BlockRows, columns: ColumnClass
) -> Mapping[int, Number] | ClaimFailed:
    """The scaled margins of the heads, if every lane becomes what the circuit says.

    The first attempt leaves all lanes free. If an attempt fails, the next one uses the definitions
    of the lanes that queries and keys read.
    """
    seen_through: dict[Lane, Signal] = {}
    while True:
        attempt = _Attempt(AttentionState(context, block, columns, seen_through), block, rows)
        result = attempt.result()
        if not isinstance(result, ClaimFailed):
            return result
        more = context.definitions_of(attempt.lanes_in_scores - seen_through.keys())
        if not more:
            return result
        seen_through |= more


class _Attempt:
    """A proof for one class of columns in the attention of one block.

    `lanes_in_scores` are the lanes of the circuit that queries and keys read; `result` sets them.
    """

    def __init__(self, state: AttentionState, block: int, rows: BlockRows) -> None:
        self.state = state
        self.block = block
        self.rows = rows
        self.plan_heads = state.context.plan.blocks[block].heads
        self.lanes_in_scores: frozenset[Lane] = frozenset()

    def result(self) -> Mapping[int, Number] | ClaimFailed:
        """The scaled margins of the heads, if every lane becomes what the circuit says."""
        try:
            return self._result()
        except TooLarge as error:
            return ClaimFailed(str(error))

    def _result(self) -> Mapping[int, Number] | ClaimFailed:
        state, rows = self.state, self.rows
        accesses = MemoryAccess.of(state, self.block)
        if isinstance(accesses, ClaimFailed):
            return accesses
        w_ov = {h: form for h in range(rows.heads) if (form := rows.w_ov(h))}
        failed = content_in_keys(rows, [*w_ov], state.classes)
        if failed is not None:
            return failed
        keys = [*state.classes, *state.rivals]
        order_variables(state.lanes, rows, [*w_ov], state.columns, keys)
        names = state.space.names
        self.lanes_in_scores = frozenset(name for name in names if isinstance(name, Lane))
        results = {h: attention_result(state.lanes, rows, h, state.columns, keys) for h in w_ov}
        failed = (
            self._wrong_margin(results)
            or self._wrong_worker(accesses, results)
            or self._wrong_lane(accesses, w_ov, results)
        )
        return failed or {head: found.scaled_margin for head, found in results.items()}

    def _wrong_margin(self, results: Mapping[int, AttentionResult]) -> ClaimFailed | None:
        """A head whose margin is not what the plan says."""
        for head, found in results.items():
            if head >= len(self.plan_heads):
                return ClaimFailed(f"head {head} is not in the plan")
            planned = self.plan_heads[head]
            says = planned.margin * planned.beta if planned.margin > 0 and planned.beta > 0 else 0
            if not 0 < says <= found.scaled_margin:
                return ClaimFailed(
                    f"head `{planned.name}` has a scaled margin of {float(found.scaled_margin):g}, "
                    f"but the plan says {planned.margin} · {planned.beta}"
                )
        return None

    def _wrong_worker(
        self, accesses: MemoryAccess, results: Mapping[int, AttentionResult]
    ) -> ClaimFailed | None:
        """A head by which columns attend to a worker that does not write to them, if there are
        several; or by which a worker attends to another."""
        state = self.state
        if len(state.context.plan.cpus) == 1:
            return None
        others = state.space.negated(accesses.written())
        for found in results.values():
            for winner in found.winners:
                if winner.keys.columns in state.rivals and winner.condition != state.space.zero:
                    return ClaimFailed("a worker may attend to another")
                if winner.keys.columns.is_cpu and not state.columns.is_cpu:
                    stray = state.space.times(winner.condition, others)
                    if possible(state.context, state.semantics, stray):
                        return ClaimFailed("a column may attend to a worker that does not write")
        return None

    def _wrong_lane(
        self,
        accesses: MemoryAccess,
        w_ov: Mapping[int, Mapping[int, Row]],
        results: Mapping[int, AttentionResult],
    ) -> ClaimFailed | None:
        """A lane that does not become what the circuit says."""
        state = self.state
        for lane in range(state.context.plan.d_model):
            new = state.old(lane)
            for head, form in w_ov.items():
                if lane in form:
                    new = state.space.add(new, self._added(results[head], form[lane]))
            expected = accesses.expected(lane)
            if isinstance(expected, ClaimFailed):
                return expected
            if new != expected:
                name = state.context.plan.lane_name(lane)
                return ClaimFailed(f"{name} is not what the circuit says")
        return None

    def _added(self, result: AttentionResult, form: Row) -> Node:
        """What a head adds to a lane: a form of the column that it attends to."""
        space = self.state.space
        total = space.zero
        for winner in result.winners:
            terms = [(self.state.winners_lane(winner, lane), c) for lane, c in form.items()]
            value = space.affine(terms, 0)
            total = space.add(total, space.times(winner.condition, value))
        return total
