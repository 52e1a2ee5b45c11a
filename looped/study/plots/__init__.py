"""Pictures of weights and of runs, by matplotlib: SVG, PNG or PDF."""

# from looped.study.plots.heads import draw_heads
# from looped.study.plots.memory import draw_memory
# from looped.study.plots.step import draw_step
# from looped.study.plots.weights import draw_weights


