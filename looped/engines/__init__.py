"""Whatever executes weights: each engine sees weights and a residual stream, nothing else."""
