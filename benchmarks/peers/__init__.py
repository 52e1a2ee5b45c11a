"""Plain interpreters of the same machines in C: what a run costs without weights."""
