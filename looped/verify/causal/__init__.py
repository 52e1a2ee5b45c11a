"""The certificate of causal machines, whose memory is the text."""

from __future__ import annotations

from looped.verify.causal.certify import CausalCertificate, certify_causal
from looped.verify.causal.folder import certify_folder

__all__ = ["CausalCertificate", "certify_causal", "certify_folder"]
