"""Proof from the weights that a machine computes its circuit exactly, and in which dtypes."""

from looped.verify.certificate.certify import certify
from looped.verify.certificate.claims import Certificate, Claim, Verdict
from looped.verify.certificate.verdicts import numeric_verdict

__all__ = ["Certificate", "Claim", "Verdict", "certify", "numeric_verdict"]
