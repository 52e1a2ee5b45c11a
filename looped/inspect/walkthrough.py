"""One instruction through every head and every MLP, in numbers that the model computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from looped.analysis import HeadWeights, block_weights
from looped.artefact.embedding import embed, read_word
from looped.artefact.plan import CompiledMachine, HeadPlan, Plan
from looped.nn import Block

__all__ = ["walkthrough"]


def walkthrough(machine: CompiledMachine, words: Sequence[int]) -> str:
    """The first instruction of a program as Markdown: what heads and MLPs do, block by block.

    Scores are divided by β; softmax weights are those of the model's softmax.
    """
    x = torch.tensor(embed(words, machine.plan), dtype=torch.float32)
    lines: list[str] = []
    for number, block in enumerate(machine.model().transformer.layers):
        assert isinstance(block, Block)
        lines += [f"### Block {number + 1}", ""]
        lines += _attention_lines(machine, number, x)
        x = x + block.self_attn(block.input_layernorm(x)[None])[0]
        before = x
        x = x + block.mlp(block.post_attention_layernorm(x))
        lines += _mlp_lines(machine.plan, number, before, x)
    return "\n".join(lines).rstrip() + "\n"


def _attention_lines(machine: CompiledMachine, block: int, x: Tensor) -> Iterator[str]:
    plan = machine.plan
    heads = plan.blocks[block].heads
    if not heads:
        yield from ("The heads of this block are not in use: their weights are zero.", "")
        return
    weights = block_weights(machine.weights, block, plan.d_head)
    yield "| head | column | attends to | score | next best | softmax weight | what is added |"
    yield "|---|---|---|---|---|---|---|"
    for index, head in enumerate(heads):
        reads = head.margin == 2 and "cpu" in head.query
        columns = [plan.cpu] if reads else _columns_of_write(machine, x)
        for column in columns:
            yield _head_line(plan, weights.heads[index], head, x, column)
    yield ""


def _columns_of_write(machine: CompiledMachine, x: Tensor) -> list[int]:
    """The columns to show for a write: the written one, its neighbour, and the CPU."""
    plan = machine.plan
    address = _word(plan, "b", x) % plan.memory
    return [address, (address + 1) % plan.memory, plan.cpu]


def _head_line(
    plan: Plan, weights: HeadWeights[Tensor], head: HeadPlan, x: Tensor, column: int
) -> str:
    q, k, v = (x @ matrix.T for matrix in (weights.w_q, weights.w_k, weights.w_v))
    scores = q[column] @ k.T / plan.d_head**0.5
    attention = torch.softmax(scores, 0)
    best, following = (int(i) for i in scores.topk(2).indices)
    added = _added(plan, head, (attention @ v) @ weights.w_o.T)
    shown = (float(scores[i]) / head.beta for i in (best, following))
    numbers = " | ".join(f"{score:g}" for score in (*shown, float(attention[best])))
    names = f"{plan.column_name(column)} | {plan.column_name(best)}"
    return f"| `{head.name}` | {names} | {numbers} | {added} |"


def _added(plan: Plan, head: HeadPlan, output: Tensor) -> str:
    """What a head adds to its word: +2, or -2, in the lanes of the ones of a number."""
    name = head.output[0].partition("[")[0]
    lanes = _lanes(plan, name)
    if not output.any():
        return "nothing: the word is zero"
    down = bool((output[lanes] < 0).any())
    number = _signed(int(read_word(output[lanes].abs().numpy() - 1)), len(lanes))
    return f"the ones of {number} {'leave' if down else 'into'} `{name}`"


def _mlp_lines(plan: Plan, block: int, before: Tensor, after: Tensor) -> Iterator[str]:
    yield "| MLP group | units | what it makes |"
    yield "|---|---|---|"
    for group in plan.blocks[block].groups:
        made = "lanes no longer used go back to -1"
        if group.name != "clear":
            lanes = _lanes(plan, group.name)
            number = _signed(_word(plan, group.name, after), len(lanes))
            made = f"`{group.name}` = {number}"
        yield f"| `{group.name}` | {len(group.units)} | {made} |"
    changed = int((before != after).any(dim=1).sum())
    yield ""
    yield f"Columns changed by the MLP: {changed} of {plan.columns} (the CPU)."
    yield ""


def _lanes(plan: Plan, name: str) -> list[int]:
    """The lanes of a register or of a temporary word, least significant bit first."""
    if name in plan.words:
        return list(plan.words[name])
    found = {
        occupant.bit: lane
        for lane, held in enumerate(plan.occupants)
        for occupant in held
        if occupant.word == name
    }
    return [found[i] for i in sorted(found)]


def _word(plan: Plan, name: str, x: Tensor) -> int:
    return int(read_word(x[plan.cpu, _lanes(plan, name)].numpy()))


def _signed(number: int, width: int) -> int:
    return number - (1 << width) if width > 1 and number >> (width - 1) else number
