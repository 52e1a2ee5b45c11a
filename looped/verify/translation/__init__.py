"""Translation validation: lifted code is shown to do what the weights do, bit by bit."""

from looped.verify.translation.claim import STATEMENT, Translation, translation
from looped.verify.translation.validate import WrongLift, validate

__all__ = ["STATEMENT", "Translation", "WrongLift", "translation", "validate"]
