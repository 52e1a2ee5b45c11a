"""The nn module in a loop: the definition that every other engine is checked against."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import numpy.typing as npt
import torch

from looped.analysis.grid import grid_of_tensors
from looped.analysis.weights import largest_score
from looped.artefact.plan import CompiledMachine
from looped.artefact.residual import Residual, signs, words_of
from looped.engines.engine import NOTHING, Lanes, Numbers, Streams, Watch, Words
from looped.engines.settings import Settings, check_kernels
from looped.engines.torch_threads import on_threads
from looped.errors import CertificateError, CompileError
from looped.nn.packed import packed
from looped.precision import precision
from looped.variants import model_of, stream_code

__all__ = ["DenseEngine"]


_MOST_PRODUCTS = 1 << 42
"""A minute or more for a loop on one core: RV32I with 2^15 words of memory takes 2.7 · 10^12."""

_MANY_PRODUCTS = 1 << 30
"""One stream with fewer multiplications in a loop runs on one thread. On two idle cores a second
thread saves a twentieth of a run of SUBLEQ with 1,024 words, and a third with 4,096; on busy cores
the threads of a short product wait for each other, and take up to ten times as long."""


class DenseEngine:
    """Runs `looped.nn` on any device, for batches of residual streams.

    No proof covers an architecture other than the plain one. Unless `uncertified` is true, each
    pass then looks whether all lanes are still ±1, and raises CertificateError if they are not.

    In a dtype in which the machine is exact, the model is packed (`looped.nn.packed`): what adds
    zero is left out, and the result is the same to the bit.

    A machine whose softmax underflows is exact in the dtype that it is compiled for and in every
    dtype that holds all its numbers. In another dtype, and for a higher temperature, its
    certificate decides (`looped.verify.certificate`).

    Raises CertificateError for these unless `uncertified` is true, and for settings of
    PyTorch under which sums are not exact (when the engine is made, and before each pass). Raises
    CompileError for a dtype that is not in PRECISIONS and for a device that does not exist.
    """

    def __init__(
        self,
        machine: CompiledMachine,
        dtype: str = "float32",
        device: str = "cpu",
        uncertified: bool = False,
    ) -> None:
        chosen, made = precision(dtype), machine.plan.dtype
        if not (uncertified or chosen.holds(precision(made))):
            raise CertificateError(
                f"the machine is compiled for {made}, and {dtype} does not hold all its numbers",
                hint=f"compile it for {dtype}, or certify it for {dtype} with `choose_engine`",
            )
        if not (uncertified or machine.plan.scaled_margin > chosen.underflow):
            raise CertificateError(
                f"a head of the machine has a scaled margin of {machine.plan.scaled_margin:g}, and "
                f"softmax underflows above {chosen.underflow:.1f}",
                hint="run it with --uncertified, or certify it with `choose_engine`",
            )
        self.dtype: torch.dtype = getattr(torch, chosen.name)
        self.device = _device(device)
        plain = machine.plan.architecture.is_stock
        model = machine.model() if plain else model_of(machine)
        if plain and chosen.holds(precision(made)):  # sums are exact, in any order
            model = packed(model)
        self.model = model.to(self.device, self.dtype)
        self._code = stream_code(machine.plan)
        self._watched = not (plain or uncertified)
        plan = machine.plan
        self._products = len(plan.blocks) * plan.n_heads * 2 * plan.d_head
        self._settings = Settings(chosen, self.device, grid_of_tensors(machine.weights.values()))
        self._settings.check()
        heads = machine.plan.n_heads, machine.plan.d_head
        score = largest_score(machine.weights, len(machine.plan.blocks), machine.plan.d_head)
        check_kernels(machine.plan.d_model, chosen, self.device, heads, score)
        self.x = torch.empty(0, dtype=self.dtype, device=self.device)
        self._seen: dict[int, torch.Tensor] = {}
        self._short = False
        self.fallbacks = 0

    def prepare(self, note: Callable[[str], None] = lambda text: None) -> None:
        """Do nothing: this engine derives nothing from the weights."""

    def load(self, x: Streams) -> None:
        """Begin with these residual streams, (batch, columns, d_model).

        They are stored column by column, so that sums that are rounded are always rounded alike.
        Raises CompileError if a loop would take more than about _MOST_PRODUCTS multiplications.
        """
        products = self._products * x.shape[1] ** 2
        if products > _MOST_PRODUCTS:
            raise CompileError(
                f"a loop of the dense engine compares {x.shape[1]:,} columns with each other, "
                f"about {products:.0e} multiplications",
                hint="use --engine lifted or event, or less --memory",
            )
        lanes = torch.tensor(
            np.ascontiguousarray(np.asarray(x)), dtype=self.dtype, device=self.device
        )
        self.x = self._code.inner(lanes)
        self._short = len(x) == 1 and products < _MANY_PRODUCTS and self.device.type == "cpu"
        self._seen = {}

    @torch.inference_mode()
    def step(self, loops: int = 1) -> None:
        """Pass all streams through all blocks, `loops` times. Raises CertificateError."""
        self._settings.check()
        with on_threads(1) if self._short else nullcontext():
            self._step(loops)

    def _step(self, loops: int) -> None:
        if not self._watched:
            self.x = self.model(self.x, loops)
            return
        for _ in range(loops):
            self.x = self.model(self.x)
            if not bool((self._code.outer(self.x).abs() == 1).all()):
                raise CertificateError(
                    "a lane is no longer -1 or +1, and no proof covers this architecture",
                    hint="run it with --uncertified",
                )

    def advance(self, loops: int, watch: Watch = NOTHING) -> int:
        """Pass the only stream through all blocks until `loops` passes count, or `watch` stops it.

        Returns how many passes count. Raises ValueError if there are other streams.
        """
        if len(self.x) != 1:
            raise ValueError(f"advance is for one stream, and there are {len(self.x)}")
        done, stop = 0, False
        while done < loops and not stop:
            self.step()
            stop, counts = watch.seen(self.read(watch.column, watch.lanes)[0])
            done += counts
        return done

    def changes(self, stream: int = 0) -> Lanes:
        """The columns of a stream that have changed since the last call, in ascending order.

        The first call after `load` returns all columns. Each call keeps a copy of the stream.
        """
        before, self._seen[stream] = self._seen.get(stream), self.x[stream].clone()
        if before is None:
            return np.arange(self.x.shape[1])
        return (before != self.x[stream]).any(dim=1).nonzero()[:, 0].cpu().numpy()

    def state(self) -> npt.NDArray[np.float64]:
        """A copy of the residual streams, (batch, columns, d_model)."""
        return self._code.outer(self.x).to("cpu", torch.float64).numpy().copy()

    def residual(self, stream: int) -> Residual:
        """A copy of one stream. Raises ValueError if a lane is not ±1."""
        return signs(self._code.outer(self.x[stream]).to("cpu", torch.float64).numpy())

    def read(self, column: int, lanes: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Some lanes of one column of every stream, (batch, lanes)."""
        index = torch.as_tensor(lanes, device=self.device)
        chosen = self._code.outer(self.x[:, column])[:, index]
        return chosen.to("cpu", torch.float64).numpy()

    def rows(self, stream: int, columns: Lanes) -> Numbers:
        """All lanes of some columns of one stream, (columns, d_model)."""
        index = torch.as_tensor(columns, device=self.device)
        chosen = self._code.outer(self.x[stream, index])
        return chosen.to("cpu", torch.float64).numpy()

    def words(self, stream: int, lanes: Lanes) -> Words:
        """The word in some lanes of all columns of one stream, (columns,); above zero is a one."""
        chosen = self.x[stream][:, torch.as_tensor(lanes, device=self.device)]
        return words_of((chosen > 0).cpu().numpy())

    @torch.inference_mode()
    def write(self, stream: int, column: int, lanes: npt.NDArray[np.intp], values: object) -> None:
        """Set some lanes of one column of one stream to values (lanes,)."""
        index = torch.as_tensor(lanes, device=self.device)
        new = torch.as_tensor(np.asarray(values), dtype=self.dtype, device=self.device)
        self._code.write(self.x[stream, column], index, new)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise CompileError(f"no device named `{name}`", hint="cpu, cuda, cuda:1, …") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise CompileError(f"device {name} does not exist", hint=f"CUDA devices here: {count}")
    return device
