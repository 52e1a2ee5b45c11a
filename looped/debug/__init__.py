"""Debugging: a run that stops where people want, and that goes backwards."""
