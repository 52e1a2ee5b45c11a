"""RMT: a transformer that carries memory tokens from one segment of a long text to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from looped.nn.hooks import Hooked
from looped.nn.model import Transformer

__all__ = ["SegmentRecurrence"]


class SegmentRecurrence(Hooked):
    """`M_{s+1}` = what the stack makes of the write copies in `[M_s; X_s; M_s]` (Bulatov, Kuratov
    and Burtsev 2022; Bulatov et al. 2024, "Scaling Transformer to 1M tokens and beyond with RMT").

    X_s (B, S, d_model) is a segment, M_s (B, m, d_model) the memory. The first copy is read, the
    last one written; in the encoder's form, `[M_s; X_s]`, one copy is both. Memory and time per
    segment do not depend on the length of the text. Gradients go back over `horizon` segments, by
    default all. With no memory tokens it is the core on each segment, to the bit.
    """

    def __init__(self, transformer: Transformer, decoder: bool = True, horizon: int | None = None):
        super().__init__(transformer.sites)
        self.transformer = transformer
        self.decoder, self.horizon = decoder, horizon

    def step(
        self, memory: Tensor, segment: Tensor, mask: Tensor | None = None, number: int = 0
    ) -> tuple[Tensor, Tensor]:
        """The next memory (B, m, d_model) and what becomes of the segment (B, S, d_model).

        `mask` is one of all S + 2·m columns, or S + m. Activations are those of loop `number`.
        """
        m, tap = memory.shape[1], self.tap
        copies = [memory] if self.decoder else []
        columns = torch.cat([memory, segment, *copies], 1)  # (B, S + 2·m, d_model)
        made = self.transformer(columns, mask=mask, tap=tap and tap.in_loop(number))
        written = made[:, -m:] if self.decoder and m else made[:, :m]
        return written, made[:, m : m + segment.shape[1]]

    def run(
        self, memory: Tensor, segments: Iterable[Tensor], mask: Tensor | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The memory after each segment, and what becomes of the segment. Segments are taken one at
        a time."""
        for number, segment in enumerate(segments):
            if self.horizon is not None and number % self.horizon == 0:
                memory = memory.detach()
            memory, made = self.step(memory, segment, mask, number)
            yield memory, made

    def forward(self, memory: Tensor, x: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """The last memory (B, m, d_model) and what becomes of a whole text `x` (B, N, d_model), cut
        into segments of `size`."""
        parts = []
        for last, made in self.run(memory, torch.split(x, size, 1)):
            memory = last
            parts.append(made)
        return memory, torch.cat(parts, 1)
