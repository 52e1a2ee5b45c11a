"""Train a looped block, or a stack of blocks, on batches of one length each."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy

from looped.learn.harness import seeded
from looped.learn.length.models import Fixed, Looped
from looped.learn.length.problems import Problem
from looped.learn.length.recipe import EXTRA, TRAINED, Recipe

__all__ = ["LengthJob", "all_right"]

_BATCH, _CHECK, _TEST = 64, 64, 256


class LengthJob:
    """The cross entropy of all places after the last loop; the recipe says how many loops, and how
    long the inputs of a step may be. For a stack there are no loops."""

    def __init__(
        self,
        problem: Problem,
        model: Looped | Fixed,
        recipe: Recipe,
        steps: int,
        seed: int,
        device: str = "cpu",
    ) -> None:
        self.problem, self.model, self.recipe = problem, model.to(device), recipe
        self.steps, self.seed, self.device = steps, seed, device

    def loss(self, step: int) -> Tensor:
        """The loss of a batch."""
        rng = seeded(self.seed, "length", step)
        places = rng.randint(1, self.recipe.longest(step / self.steps))
        tokens, answers = self.drawn(_BATCH, places, self.seed, step)
        scores = self._scores(tokens, rng.randint(0, EXTRA))
        return cross_entropy(scores.flatten(0, 1), answers.flatten())

    def measure(self) -> dict[str, float]:
        """The share of inputs that are right at the longest trained length."""
        return {"right": self._share(*self.drawn(_CHECK, TRAINED, "check"))}

    def right(self, places: int) -> float:
        """The share of test inputs of a length that are right in all places."""
        return self._share(*self.test(places))

    def test(self, places: int) -> tuple[Tensor, Tensor]:
        """Tokens and answers on which no step trains, (256, places) each."""
        return self.drawn(_TEST, places, "test")

    def drawn(self, count: int, places: int, *seed: object) -> tuple[Tensor, Tensor]:
        """Tokens and answers on the device."""
        tokens, answers = self.problem.draw(count, places, *seed)
        return tokens.to(self.device), answers.to(self.device)

    def _share(self, tokens: Tensor, answers: Tensor) -> float:
        return all_right(self._scores(tokens, 0).argmax(-1), answers)

    def _scores(self, tokens: Tensor, extra: int) -> Tensor:
        model = self.model
        loops = () if isinstance(model, Fixed) else (self.recipe.count(tokens.shape[1]) + extra,)
        scores: Tensor = model(tokens, *loops)
        return scores


def all_right(own: Tensor, answers: Tensor) -> float:
    """The share of rows that are equal in all places."""
    return (own == answers).all(-1).float().mean().item()
