"""Random programs in lockstep with the reference, and the smallest one that goes wrong."""

from looped.profiles.case import Case, Coverage
from looped.verify.fuzz.campaign import STEPS, Failure, Outcome, fuzz

__all__ = ["STEPS", "Case", "Coverage", "Failure", "Outcome", "fuzz"]
