# %% [markdown]
# # A program as data, and a program as weights
#
# The universal machine has its program in memory: heads fetch the instructions. `bake` compiles the
# program into the weights instead: an MLP that knows the program counter makes the operands.

# %%
import looped
from looped import study

image = looped.assemble("programs/subleq/multiply.sasm")
universal = looped.compile(image)
baked = looped.compile(image, bake=True)

for name, machine in (("universal", universal), ("baked", baked)):
    heads = [part.name for part in study.parts(machine.plan) if isinstance(part, study.Head)]
    print(f"{name}: {machine.nonzero_weights:,} weights, heads {', '.join(heads)}")

# %% [markdown]
# Both print the same stars. The heads that fetch are gone: what they read is in the MLP.

# %%
outputs = [looped.run(machine, image).output for machine in (universal, baked)]
print(outputs[0].decode().strip(), outputs[0] == outputs[1])
first = study.run_with_cache(baked, looped.embed(image.words, baked.plan))
print("operands from weights:", [first.word(name) for name in "abc"], "in memory:", image.words[:3])
