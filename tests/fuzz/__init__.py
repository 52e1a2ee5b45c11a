"""Readers of files and texts under random damage: nothing but errors of our own comes out."""
