"""Training on the core: loops with tied weights, checkpoints, metrics, and six tasks."""
