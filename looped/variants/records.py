"""A machine as a MEGABYTE: an instruction is a patch of five bytes.

    kind      2 if it writes a byte of output, 4 if it takes one
    address   where it writes, if it does not write output
    value     what it writes; the host says what it takes
    pc        the next program counter
    out       the byte of output

The global model has a column a patch. A column is a CPU, whose program counter is a byte of the
patch before, and a cell, whose address and value are others. So its blocks are those of the
machine: a head that reads finds the latest cell with an address, by the bits of the number of its
column; nothing has to write. The local model spells: it picks byte p of what the global model made.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from looped.artefact.plan import CompiledMachine, HeadPlan, Plan
from looped.errors import CompileError
from looped.nn import Attention, Block, GatedMLP, Transformer
from looped.nn.stacks import Megabyte

__all__ = ["FIELDS", "megabyte_of"]

FIELDS = ("kind", "address", "value", "pc", "out")
"""The bytes of a patch."""

_BYTE = 8
_UNIT = 128.0
"""Logits by which the later of two columns leads: softmax underflows at 104 in float32."""


@torch.no_grad()
def megabyte_of(machine: CompiledMachine, patches: int) -> Megabyte:
    """The model of a SUBLEQ machine with 8-bit words, for at most so many patches.

    Raises CompileError for another machine.
    """
    plan = machine.plan
    if (plan.machine, plan.width) != ("subleq", _BYTE) or not plan.architecture.is_stock:
        raise CompileError("a patch of five bytes is a record of plain SUBLEQ with 8-bit words")
    lanes = _Lanes(plan, (patches - 1).bit_length())
    core = machine.core().transformer
    blocks = [lanes.block(cast(Block, layer), number) for number, layer in enumerate(core.layers)]
    locally = Transformer([_spelling()], nn.RMSNorm(_LOCAL, eps=0.0))
    globally = Transformer(blocks, nn.RMSNorm(lanes.size, eps=0.0))
    made = Megabyte(globally, locally, lanes.size, _LOCAL, len(FIELDS), patches)
    made.global_bytes.weight.copy_(lanes.bytes())
    made.global_positions.weight.copy_(lanes.positions(patches))
    made.down.weight.zero_()
    made.down.weight[_OLD, :_BYTE] = torch.eye(_BYTE)
    made.down.weight[_NEW, lanes.new : lanes.new + _BYTE] = torch.eye(_BYTE)
    made.local_bytes.weight.zero_()
    made.local_positions.weight.fill_(-1.0)
    made.local_positions.weight[:, [*_OLD, *_NEW]] = 0.0
    made.local_positions.weight[:, 0] = 1.0
    made.local_positions.weight[FIELDS.index("pc"), _IS_PC] = 1.0
    made.unembedding.weight.zero_()
    made.unembedding.weight[:, _SPELT] = _bits(torch.arange(256), _BYTE)
    return made.requires_grad_(False).eval()


_OLD, _NEW, _SPELT = (list(range(first, first + _BYTE)) for first in (1, 9, 17))
_IS_PC, _LOCAL = 25, 26
"""Lanes of the local model: one, the two bytes of the context, the one it spells, and whether this
is the program counter, which the global model changes in place."""


def _bits(numbers: Tensor, count: int) -> Tensor:
    """The lowest bits of numbers (n,) as ±1, (n, count)."""
    return (numbers[:, None] >> torch.arange(count) & 1) * 2.0 - 1


def _spelling() -> Block:
    """The local block: a byte is the old lanes at the program counter, elsewhere the new ones."""
    attention, mlp = Attention(_LOCAL, 1, 4), GatedMLP(_LOCAL, 2 * _BYTE)
    for part in (*attention.parameters(), *mlp.parameters()):
        part.zero_()
    units = torch.arange(2 * _BYTE)
    mlp.gate_proj.weight[units, torch.tensor([*_OLD, *_NEW])] = 1.0
    mlp.gate_proj.weight[:_BYTE, _IS_PC], mlp.gate_proj.weight[_BYTE:, _IS_PC] = 1.0, -1.0
    mlp.up_proj.weight[:, 0] = 1.0
    mlp.down_proj.weight[torch.tensor(_SPELT * 2), units] = 1.0
    return Block(nn.RMSNorm(_LOCAL, eps=0.0), attention, nn.RMSNorm(_LOCAL, eps=0.0), mlp)


class _Lanes:
    """The lanes of the global model: a slot of `width` for each byte of a patch.

    In each slot an embedding writes the bits of the byte, and of the byte minus one and minus two;
    from `new` on are the bits of the byte that comes next. `at` has the lane of each lane of the
    plan, `time` those of the number of the column.
    """

    def __init__(self, plan: Plan, time_bits: int) -> None:
        self.plan, self.code = plan, len(plan.words["position"])
        self.offsets = len([name for name in plan.words if name.startswith("position")])
        self.new = _BYTE + (self.offsets - 1) * self.code
        fixed = self._fixed(1000)
        free = [lane for lane in range(plan.d_model) if lane not in fixed]
        spare = -(-(len(free) + time_bits) // len(FIELDS))
        self.width = self.new + _BYTE + spare
        self.size = self.width * len(FIELDS)
        starts = range(0, self.size, self.width)
        places = [s + self.new + _BYTE + k for s in starts for k in range(spare)]
        fixed = self._fixed(self.width)
        self.at = [fixed[lane] if lane in fixed else places.pop() for lane in range(plan.d_model)]
        self.time = [places.pop() for _ in range(time_bits)]
        self.emptied = [self.at[lane] for lane in self._held("b") + self._held("result")]

    def _held(self, word: str) -> list[int]:
        """The lanes of a word when the machine writes, from bit 0 on."""
        plan, before = self.plan, 2 * (len(self.plan.blocks) - 1)
        found = {
            int(name.rpartition(".")[2]): lane
            for lane in range(len(plan.occupants))
            if (name := plan.occupant(lane, before) or "").startswith(f"{word}.")
        }
        return [found[bit] for bit in sorted(found)]

    def _fixed(self, width: int) -> dict[int, int]:
        """The lanes of the plan that are bytes of a patch, in slots of that width."""
        words, slots = self.plan.words, {name: k * width for k, name in enumerate(FIELDS)}
        groups = [
            (slots["address"], words["position"]),
            *(
                (slots["address"] + _BYTE + (k - 1) * self.code, words[f"position-{k}"])
                for k in range(1, self.offsets)
            ),
            (slots["value"], words["value"]),
            (slots["pc"], words["pc"]),
            (slots["kind"] + self.new + 1, words["writing"]),
            (slots["kind"] + self.new + 2, words["reading"]),
            (slots["address"] + self.new, self._held("b")),
            (slots["value"] + self.new, self._held("result")),
            (slots["out"] + self.new, words["out"]),
        ]
        return {lane: start + k for start, lanes in groups for k, lane in enumerate(lanes)}

    def bytes(self) -> Tensor:
        """The embedding of bytes, (256, width)."""
        rows, numbers = torch.full((256, self.width), -1.0), torch.arange(256)
        rows[:, :_BYTE] = _bits(numbers, _BYTE)
        for k in range(1, self.offsets):
            start = _BYTE + (k - 1) * self.code
            rows[:, start : start + self.code] = _bits(numbers - k, self.code)
        return rows

    def positions(self, count: int) -> Tensor:
        """What a column has beside the bytes of a patch, (count, size): constants and its number.
        The first column has no patch before it: it is no cell."""
        rows = torch.zeros(count, self.size)
        rows[:, self.time] = _bits(torch.arange(count), len(self.time)) + 1
        constants = [self.at[self.plan.words[name][0]] for name in _CONSTANT]
        rows[:, constants] = 2.0
        rows[0] -= 1
        rows[0, 1] = 1.0
        return rows

    def block(self, core: Block, number: int) -> Block:
        """A block of the machine on these lanes."""
        own, heads = cast(Attention, core.self_attn), self.plan.blocks[number].heads
        reads = [head for head in heads if not head.query[0].startswith("position")]
        made = Attention(self.size, max(1, len(reads)), own.d_head)
        for part in made.parameters():
            part.zero_()
        for head, plan in enumerate(reads):
            self._read(made, own, head, plan)
        mlp = self._mlp(cast(GatedMLP, core.mlp), number == len(self.plan.blocks) - 1)
        norms = [nn.RMSNorm(self.size, eps=0.0) for _ in range(2)]
        return Block(norms[0], made, norms[1], mlp)

    def _read(self, made: Attention, own: Attention, head: int, plan: HeadPlan) -> None:
        """A head that reads the latest cell of an address."""
        first, code = head * own.d_head, self.code
        rows, beyond = slice(first, first + code), _UNIT * 2.0 ** (len(self.time) + 1)
        scale, unit = own.d_head**0.5, plan.beta * own.d_head**0.5
        one = self.at[self.plan.words["one"][0]]
        at = torch.tensor(self.at)
        made.q_proj.weight[rows, at] = own.q_proj.weight[rows] / unit * (beyond * scale)
        made.k_proj.weight[rows, at] = own.k_proj.weight[rows]
        cell, time = first + code, first + code + 1
        made.q_proj.weight[cell, one], made.q_proj.weight[time, one] = beyond * scale, _UNIT * scale
        made.k_proj.weight[cell, [1, one]] = -1.0  # bit 1 of the kind: it writes output
        for place, lane in enumerate(self.time):
            made.k_proj.weight[time, [lane, one]] += 2.0**place / 2
        values = slice(first, first + own.d_head)
        made.v_proj.weight[values, at] = own.v_proj.weight[values]
        made.o_proj.weight[at, values] = own.o_proj.weight[:, values]

    def _mlp(self, core: GatedMLP, last: bool) -> GatedMLP:
        """The MLP of a block; the last one leaves the address and the value that it writes."""
        made, at = GatedMLP(self.size, core.gate_proj.out_features), torch.tensor(self.at)
        for name in ("gate_proj", "up_proj"):
            weight = getattr(made, name).weight
            weight.zero_()
            weight[:, at] = getattr(core, name).weight
        made.down_proj.weight.zero_()
        made.down_proj.weight[at] = core.down_proj.weight
        if last:
            made.down_proj.weight[self.emptied] = 0.0
        return made


_CONSTANT = ("one", "cpu", "device", "ready")
"""Lanes that are 1 in every CPU whose host is ready."""
