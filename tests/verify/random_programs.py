"""Random SUBLEQ programs that rewrite themselves and run long enough to be worth running."""

from __future__ import annotations

from hypothesis import strategies as st

from looped.image import Image
from tests import seeds

INSTRUCTIONS = 100


def random_program(seed: int, width: int, memory: int, wildness: float) -> Image:
    """100 random instructions from address 0, or as many as fit, then random data.

    Operands name code (so that programs rewrite themselves), data, the edges of memory and -1.
    Branches lead to instructions; with probability `wildness` any word stands anywhere.
    """
    rng = seeds.rng(seed)
    full = 1 << width
    count = min(INSTRUCTIONS, memory // 3)
    edges = [0, memory - 1, full - 1, full // 2 - 1]

    def address() -> int:
        if rng.random() < wildness:
            return rng.randrange(full)
        return rng.choice(edges) if rng.random() < 0.15 else rng.randrange(memory)

    def target() -> int:
        if rng.random() < wildness:
            return rng.randrange(full)
        return 3 * rng.randrange(min(count, full // 6))

    words = [word for _ in range(count) for word in (address(), address(), target())]
    words += [rng.randrange(full) for _ in range(memory - len(words))]
    return Image("subleq", width, tuple(words))


def programs(width: int, memory: int) -> st.SearchStrategy[Image]:
    """The programs of `random_program`, by seed and wildness."""
    seeds = st.integers(0, 1 << 64)
    return st.builds(random_program, seeds, st.just(width), st.just(memory), st.floats(0.0, 0.3))
