"""Traces of runs: one record per instruction, in files, and the first difference of two."""
