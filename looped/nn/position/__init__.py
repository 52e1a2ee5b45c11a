"""Positions: codes that are added to an embedding, and rotations of queries and keys."""

from looped.nn.position.rotary import Rotary

__all__ = ["Rotary"]
