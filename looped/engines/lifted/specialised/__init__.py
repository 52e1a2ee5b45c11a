"""Hot loops of a running program, compiled again with what does not change as constants."""

from looped.engines.lifted.specialised.effort import USUAL, Effort
from looped.engines.lifted.specialised.shared import Masks, SharedUnits
from looped.engines.lifted.specialised.specialiser import Specialiser

__all__ = ["USUAL", "Effort", "Masks", "SharedUnits", "Specialiser"]
