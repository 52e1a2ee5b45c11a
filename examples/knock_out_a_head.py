# %% [markdown]
# # Knock out a head
#
# The job of every head is known, so we can say what must break before we break it. The program
# prints 42 stars. Head `c` fetches the address of a branch: without it, every branch goes to 0.

# %%
import looped
from looped import study
from looped.engines.dense import DenseEngine
from looped.verify.lockstep import Mismatch, lockstep

image = looped.assemble("programs/subleq/multiply.sasm")
machine = looped.compile(image)
print(looped.run(machine, image, engine=DenseEngine(machine)).output.decode())

# %% [markdown]
# Each head in turn. `lockstep` compares every lane after every step with a plain interpreter, and
# names the first word that differs.

# %%
for head in ("a", "b", "c", "mem_a", "mem_b", "write result"):
    broken = study.ablate(machine, head=head)
    try:
        lockstep(broken, DenseEngine(broken), [image], [b""], 300)
        print(f"without {head}: nothing breaks")
    except Mismatch as mismatch:
        print(f"without {head}: {mismatch}")
