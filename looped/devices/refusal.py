"""Refusal: a call that fails, with its error number."""

from __future__ import annotations

import errno

__all__ = ["Refusal"]


class Refusal(Exception):
    """A call of a program that fails; `number` is the error number that the program gets.

    Linux and newlib agree on the numbers below 35, and a program gets no others but ENOSYS.
    """

    def __init__(self, number: int) -> None:
        super().__init__(errno.errorcode.get(number, str(number)))
        self.number = number

    @classmethod
    def of(cls, error: OSError) -> Refusal:
        """The refusal for an error of the operating system."""
        number = error.errno or errno.EIO
        return cls(number if number < errno.EDEADLK else errno.EIO)
