"""The machine, learned: next-state prediction on the states of a compiled machine."""
