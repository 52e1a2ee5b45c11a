"""The terminal debugger: gdb's command names for a program on the transformer."""
