"""Hooks: every activation of a model has a name, can be seen, and can be replaced.

The names are those of TransformerLens (Nanda and Bloom 2022). B is the batch, N the columns that
ask, M the columns that answer (the same ones in self-attention).

| name                            | shape                 | content                                |
|---------------------------------|-----------------------|----------------------------------------|
| `blocks.{i}.hook_resid_pre`     | (B, N, d_model)       | the residual stream before block i     |
| `blocks.{i}.attn.hook_q`        | (B, N, n_heads, d_head) | queries                              |
| `blocks.{i}.attn.hook_k`        | (B, M, n_heads, d_head) | keys                                 |
| `blocks.{i}.attn.hook_v`        | (B, M, n_heads, d_head) | values                               |
| `blocks.{i}.attn.hook_attn_scores` | (B, n_heads, N, M) | scores, scaled and masked              |
| `blocks.{i}.attn.hook_pattern`  | (B, n_heads, N, M)    | their softmax                          |
| `blocks.{i}.attn.hook_z`        | (B, N, n_heads, d_head) | what each head mixes, before `W_O`   |
| `blocks.{i}.hook_attn_out`      | (B, N, d_model)       | what attention adds                    |
| `blocks.{i}.hook_resid_mid`     | (B, N, d_model)       | the residual stream after attention    |
| `blocks.{i}.mlp.hook_pre`       | (B, N, d_ff)          | the gate, before its activation        |
| `blocks.{i}.mlp.hook_pre_linear`| (B, N, d_ff)          | the up projection                      |
| `blocks.{i}.mlp.hook_post`      | (B, N, d_ff)          | activation(gate) · up: the units       |
| `blocks.{i}.hook_mlp_out`       | (B, N, d_model)       | what the MLP adds                      |
| `blocks.{i}.hook_resid_post`    | (B, N, d_model)       | the residual stream after block i      |

A looped model passes these names once a loop; a Site says in which. Without hooks the model runs
fused attention and no code of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

__all__ = ["SITES", "Cache", "Hook", "Hooked", "Site", "Tap", "passed"]

SITES = (
    *("hook_resid_pre", "attn.hook_q", "attn.hook_k", "attn.hook_v", "attn.hook_attn_scores"),
    *("attn.hook_pattern", "attn.hook_z", "hook_attn_out", "hook_resid_mid"),
    *("mlp.hook_pre", "mlp.hook_pre_linear", "mlp.hook_post", "hook_mlp_out", "hook_resid_post"),
)
"""The names of the core's block, in the order in which it passes them."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a hook is called: the name of the activation, and the loop, counted from 0."""

    name: str
    loop: int = 0


Hook = Callable[[Tensor, Site], Tensor | None]
"""Sees an activation; returns what takes its place, or None to leave it as it is."""


class Cache(dict[str, Tensor]):
    """The activations of the last loop by name; `loops[i]` are those of loop i."""

    def __init__(self, loops: list[dict[str, Tensor]]) -> None:
        super().__init__(loops[-1] if loops else {})
        self.loops = tuple(loops)


class Tap:
    """Passes each activation of one part of a model to `see`, under its whole name."""

    def __init__(self, see: Hook, scope: str = "", loop: int = 0) -> None:
        self._see = see
        self._scope = scope
        self._loop = loop

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """The activation, or what takes its place."""
        seen = self._see(value, Site(self._scope + name, self._loop))
        return value if seen is None else seen

    def within(self, part: str) -> Tap:
        """The tap of a part: `blocks.0`, `attn`."""
        return Tap(self._see, f"{self._scope}{part}.", self._loop)

    def in_loop(self, loop: int) -> Tap:
        """The tap of another loop."""
        return Tap(self._see, self._scope, loop)


def passed(tap: Tap | None, name: str, value: Tensor) -> Tensor:
    """The activation, or what takes its place; without a tap nothing does."""
    return value if tap is None else tap(name, value)


class Hooked(nn.Module):
    """A model of blocks whose `forward` passes its activations to `tap`, if there is one; `sites`
    has the names of each block."""

    def __init__(self, sites: Sequence[tuple[str, ...]]) -> None:
        super().__init__()
        self.sites = tuple(sites)
        self._see: Hook | None = None

    @property
    def n_blocks(self) -> int:
        """The number of blocks."""
        return len(self.sites)

    @property
    def tap(self) -> Tap | None:
        """What sees the activations now."""
        return None if self._see is None else Tap(self._see)

    def hook_names(self) -> tuple[str, ...]:
        """The name of every activation, in the order of one loop."""
        return tuple(f"blocks.{i}.{s}" for i, sites in enumerate(self.sites) for s in sites)

    @contextmanager
    def hooks(self, hooks: Mapping[str, Hook]) -> Iterator[None]:
        """Call these hooks, by the names of activations, in every run within the context.

        Hooks of an outer context come first. Raises ValueError for an unknown name.
        """
        unknown = [name for name in hooks if name not in self.hook_names()]
        if unknown:
            raise ValueError(f"no activation is named {unknown[0]!r}; `hook_names()` lists them")

        def see(value: Tensor, site: Site) -> Tensor | None:
            hook = hooks.get(site.name)
            return None if hook is None else hook(value, site)

        with self._seen_by(see):
            yield

    def run_with_cache(self, x: Tensor, *args: object, **kwargs: object) -> tuple[Tensor, Cache]:
        """Run `forward` with these arguments: its output, and all activations.

        Within `hooks` they are those that the hooks leave.
        """
        loops: list[dict[str, Tensor]] = []

        def see(value: Tensor, site: Site) -> None:
            if site.loop == len(loops):
                loops.append({})
            loops[site.loop][site.name] = value

        with self._seen_by(see):
            output = self(x, *args, **kwargs)
        return output, Cache(loops)

    @contextmanager
    def _seen_by(self, see: Hook) -> Iterator[None]:
        outer = self._see

        def both(value: Tensor, site: Site) -> Tensor | None:
            first = None if outer is None else outer(value, site)
            second = see(value if first is None else first, site)
            return first if second is None else second

        self._see = both
        try:
            yield
        finally:
            self._see = outer
