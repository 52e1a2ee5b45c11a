"""The certificate of causal machines, whose memory is the text."""

from __future__ import annotations

from looped.verify.causal.certify import CausalCertificate, certify_causal
from looped.verify.causal.folder import certify_folder
from looped.verify.causal.harvard import HarvardCertificate, certify_harvard

__all__ = [
    "CausalCertificate",
    "HarvardCertificate",
    "certify_causal",
    "certify_folder",
    "certify_harvard",
]
