"""Instruction sets as circuits: each file reads like a datasheet."""
