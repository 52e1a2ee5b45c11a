"""A program as words: the output of assemblers and the input of machines."""

from looped.image.image import Image, Location
from looped.image.regions import Regions

__all__ = ["Image", "Location", "Regions"]
