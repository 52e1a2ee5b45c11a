"""The meaning of weights, derived once: every engine and every view reads weights through this
room.

    weights ─block_weights▸ BlockWeights ─analyse▸ Model
    Block, known lanes ─restrict_mlp▸ RestrictedMlp ─mlp_steps▸ MlpSteps
    keys of all columns ─key_codes▸ KeyCodes ─answer▸ the best column, its score, the next best

- `weights`: the matrices of a block by name. Only this file knows the names of parameters.
- `exactness`, `analyse`, `hidden_sums`: weights as integers, and the proof that all sums are exact.
- `forms`, `restricted`, `steps`: an MLP where some lanes are known; its ramps as sums of steps.
- `keys`, `classes`, `kinds`: keys as codes, margins between scores, columns that agree in some
  lanes.

Nothing here knows what a lane or a column means. The certificate (`looped.verify.certificate`) does
not import this room. It reads the weights with an implementation of its own, so that an error here
cannot certify itself.
"""

from looped.analysis.analyse import analyse
from looped.analysis.model import Block, Head, Model
from looped.analysis.weights import BlockWeights, HeadWeights, block_weights

__all__ = ["Block", "BlockWeights", "Head", "HeadWeights", "Model", "analyse", "block_weights"]
