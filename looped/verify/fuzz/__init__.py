"""Random programs in lockstep with the reference, and the smallest one that fails."""

from looped.profiles.case import Case, Coverage
from looped.verify.fuzz.campaign import STEPS, Failure, PartResult, fuzz

__all__ = ["STEPS", "Case", "Coverage", "Failure", "PartResult", "fuzz"]
