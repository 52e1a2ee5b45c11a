# %% [markdown]
# # Newton's iteration in a transformer
#
# The FLEQ program inverts a 4 by 4 matrix A: X becomes X (2 I - A X), twelve times. Numbers are
# fixed-point, with 16 bits after the binary point. After each iteration we read X out of the
# residual stream and look at how far A X is from the identity.

# %%
import numpy as np

import looped
from looped.run.session import Session

image = looped.assemble("programs/fleq/newton4.fleq", parameters={"side": 4})
machine = looped.compile(image)
session = Session(machine, image, looped.api.choose_engine(machine, "event"))


def matrix(name: str) -> np.ndarray:
    """Sixteen words of memory as a matrix."""
    first = image.index(image.symbols[name])
    words = session.computer.memory()[0, first : first + 16].astype(np.uint32)
    return words.view(np.int32).reshape(4, 4) / 2.0**16


# %% [markdown]
# An iteration is five instructions; `loop` is where the next one begins.

# %%
residuals = []
while not session.computer.halted() and len(residuals) < 13:
    if session.computer.pc() == image.symbols["loop"]:
        residuals.append(np.abs(np.eye(4) - matrix("A") @ matrix("X")).max())
    session.run(session.steps + 1)

for number, residual in enumerate(residuals):
    print(f"{number:2} {residual:9.6f} {'#' * max(1, round(40 * residual))}")

# %% [markdown]
# Close to the inverse the number of correct bits doubles with each iteration, until the fixed-point
# format has no more. With matplotlib we can draw it.

# %%
try:
    from matplotlib.figure import Figure

    axes = Figure(figsize=(6, 3), layout="constrained").subplots()
    axes.semilogy(residuals, "o-")
    axes.set(xlabel="iteration", ylabel="largest entry of |I - A X|")
    axes.figure.savefig("newton.svg")
    print("newton.svg")
except ImportError:
    print("pip install 'looped[plot]' to draw it")
