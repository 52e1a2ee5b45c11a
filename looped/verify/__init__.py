"""Proofs and tests that the transformer agrees with the reference.

The package is also the call `looped.verify(machine, image)`.
"""

from looped.callable_package import make_callable

make_callable(__name__)
