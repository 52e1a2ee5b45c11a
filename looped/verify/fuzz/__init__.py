"""Random programs in lockstep with the reference, and the smallest one that goes wrong."""

from looped.verify.fuzz.campaign import STEPS, Failure, Outcome, fuzz
from looped.verify.fuzz.case import Case, Coverage

__all__ = ["STEPS", "Case", "Coverage", "Failure", "Outcome", "fuzz"]
