"""A program as words: the output of assemblers and the input of machines."""

from looped.image.image import Image, Location

__all__ = ["Image", "Location"]
