# %% [markdown]
# # Activation patching
#
# Two runs differ in one word of memory: mem[9] is 5 in one and 3 in the other. We put single
# activations of the second run into the first, and look at the result of the subtraction. A part
# matters if the result moves.

# %%
import torch

import looped
from looped import study

words = (9, 10, 6, 0, 0, 0, 0, 0, 0, 5, 12)
machine = looped.compile_machine("subleq", 16, 32)
plan, model = machine.plan, machine.model()
stream = looped.embed(words, plan)
clean = study.run_with_cache(machine, stream)
other = study.run_with_cache(machine, looped.embed((*words[:9], 3, 12), plan))
print("clean", clean.word("result"), "other", other.word("result"))

# %% [markdown]
# `study.patch` makes hooks for the model. Only what depends on mem[9] carries the difference.

# %%
x = torch.tensor(stream)[None].float()
for part in study.parts(plan):
    if isinstance(part, study.Head) and part.block < 2:
        with model.hooks(study.patch(other, head=part.name, block=part.block)):
            patched = study.PlanCache(plan, model.run_with_cache(x)[1])
        moved = "moves" if patched.word("result") != clean.word("result") else "stays"
        print(f"{part}: result {patched.word('result')}, it {moved}")
