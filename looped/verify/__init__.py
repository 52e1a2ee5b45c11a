"""Agreement of the transformer with the reference, shown.

The package is also the call `looped.verify(machine, image)`.
"""

from looped.callable_package import make_callable

make_callable(__name__)
