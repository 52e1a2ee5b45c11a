"""A stub of GDB's remote serial protocol: gdb debugs a program that runs on the transformer."""
