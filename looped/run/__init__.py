"""What runs a program: stretches of loops, input and output, checkpoints, limits.

The package is callable: `looped.run(machine, image)`.
"""

from looped.callable_package import make_callable

make_callable(__name__)
