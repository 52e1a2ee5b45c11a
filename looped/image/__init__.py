"""A program as words: what assemblers make and machines load."""

from looped.image.image import Image, Location

__all__ = ["Image", "Location"]
