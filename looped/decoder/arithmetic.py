"""The three MLPs: addresses of the operands, what is due, difference and branch."""

from __future__ import annotations

from collections.abc import Sequence

from looped.decoder.forms import Form, Lanes, Units, bit, constant, lane, number, ones
from looped.decoder.lanes import COLUMN_BITS
from looped.decoder.spec import Spec

__all__ = ["due", "mlps", "subtract"]


def mlps(spec: Spec, lanes: Lanes) -> tuple[Units, Units, Units]:
    """The hidden units of the three layers."""
    return _counters(spec, lanes), due(spec, lanes), subtract(spec, lanes)


def _counters(spec: Spec, lanes: Lanes) -> Units:
    """pc + 1, pc + 2 and pc + 3; the address of a word of the prompt."""
    units = Units()
    pc = lanes["pc"]
    # with all bits but the sign, pc + 3 may reach the sign, and the machine halts
    bits = spec.width if spec.pc_bits == spec.width - 1 else spec.pc_bits
    for count, target in ((1, lanes["pc1"]), (2, lanes["pc2"]), (3, lanes["next"][:bits])):
        _add(units, pc, count, target)
    if spec.window is not None:
        _add(units, lanes["oldest"], 1, lanes["oldest1"])
    image = bit(lanes["image"][0])
    for place in range(COLUMN_BITS):  # the line is a multiple of eight
        low = lanes["address"][place]
        units.add(image, lane(lanes["column"][place]) - lane(low), low)
    return units


def _add(units: Units, word: Sequence[int], count: int, target: Sequence[int]) -> None:
    """Add a constant: bit i is word_i xor count_i xor carry. The target is -1 before."""
    for i, out in enumerate(target):
        sign = -1 if count >> i & 1 else 1
        own = lane(word[i]) if i < len(word) else constant(-1)
        units.add(constant(1), constant(1) + own * sign, out)
        low = count & ((1 << i) - 1)
        if low:
            units.step(number(word[:i]), (1 << i) - low, own * (-2 * sign), out)


def due(spec: Spec, lanes: Lanes) -> Units:
    """Input if a = -1, output if b = -1 and a is not; both continue at pc + 3, so c becomes that.

    A record begins after p, or after its refresh.
    """
    units = Units()
    input_ = ones(lanes["a"]) - constant(spec.width - 1)  # 1 if a = -1, else at most 0
    output = ones(lanes["b"]) - constant(spec.width - 1)
    both = input_ + output - constant(1)
    addressed, ended = bit(lanes["is_b"][0]), bit(lanes["is_p"][0])
    if spec.window is not None:
        addressed = addressed - bit(lanes["is_r"][0])
        ended = bit(lanes["refreshes"][0])
    units.add(input_, addressed * 2, lanes["due_ask"][0])
    units.add(output, ended * 2, lanes["due_out"][0])
    units.add(both, ended * -2, lanes["due_out"][0])
    for c, following in zip(lanes["c"], lanes["next"], strict=True):
        up = lane(following) - lane(c)
        units.add(input_, up, c)
        units.add(output, up, c)
        units.add(both, up * -1, c)
    return units


def subtract(spec: Spec, lanes: Lanes) -> Units:
    """mem_b - mem_a in place of mem_b; c in place of the next program counter if it is not
    positive.

    With x = mem_b and y = mem_a as unsigned numbers, bit i of the difference is x_i, except where
    exactly one of y_i and the borrow into bit i is 1: t = y_low - x_low + 2^i y_i lies in
    1 … 2^i. The difference as a signed number is at most 0 if -h ≤ x - y ≤ 0 or x - y ≥ h, with
    h = 2^(w-1).
    """
    units = Units()
    x, y = lanes["mem_b"], lanes["mem_a"]
    for i, index in enumerate(x):
        t: Form = number(y[:i]) - number(x[:i]) + bit(y[i]) * (1 << i)
        flip = lane(index) * -2
        units.step(t, 1, flip, index)
        units.step(t, (1 << i) + 1, flip * -1, index)
    z, h = number(x) - number(y), 1 << (spec.width - 1)
    for c, following in zip(lanes["c"], lanes["next"], strict=True):
        up = lane(c) - lane(following)
        units.step(z, -h, up, following)
        units.step(z, 1, up * -1, following)
        units.step(z, h, up, following)
    return units
