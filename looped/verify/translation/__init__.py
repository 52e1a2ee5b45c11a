"""Translation validation: proof that lifted code does what the weights do, bit by bit."""

from looped.verify.translation.claim import STATEMENT, Translation, translation
from looped.verify.translation.in_use import prove_small_lifts
from looped.verify.translation.validate import WrongLift, validate

__all__ = ["STATEMENT", "Translation", "WrongLift", "prove_small_lifts", "translation", "validate"]
