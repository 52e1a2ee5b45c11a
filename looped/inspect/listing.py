"""The weights explained: the heads and MLP groups of each block by name."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from looped.artefact.plan import BlockPlan, CompiledMachine, Plan

__all__ = ["describe", "listing"]


def describe(machine: CompiledMachine) -> dict[str, object]:
    """All that `looped info` shows, as values that JSON can hold."""
    plan = machine.plan
    return {
        "machine": plan.machine,
        "width": plan.width,
        "memory": plan.memory,
        "program": "baked" if plan.baked else "universal",
        "dtype": plan.dtype,
        "blocks": [_block(block) for block in plan.blocks],
        "columns": plan.columns,
        "d_model": plan.d_model,
        "n_heads": plan.n_heads,
        "d_head": plan.d_head,
        "d_ff": plan.d_ff,
        "parameters": machine.parameters,
        "nonzero_weights": machine.nonzero_weights,
        "words": {name: list(lanes) for name, lanes in plan.words.items()},
        "lanes": [list(plan.occupant_names(lane)) for lane in range(len(plan.occupants))],
    }


def _block(block: BlockPlan) -> dict[str, object]:
    heads = [
        {
            "name": h.name,
            "meaning": h.meaning,
            "query": list(h.query),
            "key": list(h.key),
            "value": list(h.value),
            "output": list(h.output),
            "margin": h.margin,
            "beta": h.beta,
        }
        for h in block.heads
    ]
    groups = [
        {"name": g.name, "units": len(g.units), "reads": list(g.reads), "writes": list(g.writes)}
        for g in block.groups
    ]
    return {"heads": heads, "mlp_groups": groups}


def listing(machine: CompiledMachine) -> Group:
    """The same as a page: sizes, then a table of heads and a table of MLP groups per block."""
    plan = machine.plan
    parts: list[Text | Table] = [_title(plan), _sizes(machine)]
    for number, block in enumerate(plan.blocks, start=1):
        parts.append(Text(f"\nblock {number}: attention", style="bold"))
        parts.append(_heads(block) if block.heads else Text("  (no head in use)"))
        parts.append(Text(f"block {number}: MLP", style="bold"))
        parts.append(_groups(block))
    return Group(*parts)


def _title(plan: Plan) -> Text:
    kind = "its program baked into the weights" if plan.baked else "universal"
    return Text(
        f"{plan.machine}, {plan.width}-bit words, {plan.memory} words of memory, {kind}",
        style="bold",
    )


def _sizes(machine: CompiledMachine) -> Text:
    plan = machine.plan
    return Text(
        f"{len(plan.blocks)} blocks, d_model {plan.d_model} ({len(plan.occupants)} lanes in use), "
        f"{plan.n_heads} heads of {plan.d_head}, d_ff {plan.d_ff}\n"
        f"{plan.columns} columns: {', '.join(_columns(plan))}\n"
        f"{machine.parameters:,} parameters, {machine.nonzero_weights:,} of them not zero"
    )


def _columns(plan: Plan) -> list[str]:
    registers = [f"{plan.n_registers} registers"] if plan.n_registers else []
    last = ["the input"] * plan.has_input + ["the null column"] * (plan.workers is not None)
    cpu = "the CPU" if plan.most_workers == 1 else f"{len(plan.cpus)} of the CPU"
    return [f"{plan.memory} of memory", *registers, cpu, *last]


def _heads(block: BlockPlan) -> Table:
    table = Table("head", "does", "query", "key", "value", "output", box=None)
    for h in block.heads:
        row = (h.query, h.key, h.value, h.output)
        table.add_row(h.name, h.meaning, *("\n".join(words) for words in row))
    return table


def _groups(block: BlockPlan) -> Table:
    table = Table("group", "units", "reads", "writes", box=None)
    for g in block.groups:
        table.add_row(g.name, str(len(g.units)), ", ".join(g.reads), ", ".join(g.writes))
    return table
