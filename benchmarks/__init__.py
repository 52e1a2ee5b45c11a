"""Measurements: ratios in one run, never asserted."""
