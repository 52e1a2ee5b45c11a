# %% [markdown]
# # Attention is a read
#
# `subleq 9, 10, 6` subtracts mem[9] from mem[10]. Its operands are words of memory, and every word
# is a column of the residual stream. We run one step and ask which column the CPU attends to.

# %%
import looped
from looped import study

words = (9, 10, 6, 0, 0, 0, 0, 0, 0, 5, 12)
machine = looped.compile_machine("subleq", 16, 32)
cpu = machine.plan.cpu
cache = study.run_with_cache(machine, looped.embed(words, machine.plan))

# %% [markdown]
# Block 1 fetches the instruction: three heads attend to columns 0, 1 and 2, where it is. Block 2
# attends to the columns whose addresses block 1 has fetched.

# %%
for head in ("a", "b", "c", "mem_a", "mem_b"):
    print(f"head {head:5} attends to column {cache.head(head)[cpu]:2} and reads {cache.word(head)}")

# %% [markdown]
# The softmax is exactly one-hot, so the read copies the word without an error. Here are the scores
# of head `mem_a`: column 9 wins by 2, which the temperature multiplies by 512.

# %%
scores = cache.activations["blocks.1.attn.hook_attn_scores"][0, 0, cpu]
best = scores.topk(2).values / machine.plan.blocks[1].heads[0].beta
print("best score", float(best[0]), "next", float(best[1]))
pattern = cache.activations["blocks.1.attn.hook_pattern"][0, 0, cpu]
print("softmax:", float(pattern[9]), "in column 9,", float(pattern.sum() - pattern[9]), "elsewhere")
