"""Positions: codes that are added to an embedding, and rotations of queries and keys."""

from looped.nn.position.binary import BinaryCode
from looped.nn.position.counted import CountedCode
from looped.nn.position.learned_sinusoid import LearnedSinusoid
from looped.nn.position.maglap import (
    MagLapCode,
    eigenvectors,
    magnetic_laplacian,
    successor_query,
)
from looped.nn.position.none import NoCode
from looped.nn.position.rotary import Rotary
from looped.nn.position.sinusoidal import SinusoidalCode, frequencies
from looped.nn.position.trained import TrainedCode

__all__ = [
    "BinaryCode",
    "CountedCode",
    "LearnedSinusoid",
    "MagLapCode",
    "NoCode",
    "Rotary",
    "SinusoidalCode",
    "TrainedCode",
    "eigenvectors",
    "frequencies",
    "magnetic_laplacian",
    "successor_query",
]
