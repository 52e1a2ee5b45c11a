"""looped: from assembly language to the weights of a looped transformer."""

__version__ = "0.1.0"
