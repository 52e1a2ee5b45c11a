"""Translation validation: lifted code is shown to do what the weights do, bit by bit."""

from looped.verify.translation.validate import WrongLift, validate

__all__ = ["WrongLift", "validate"]
