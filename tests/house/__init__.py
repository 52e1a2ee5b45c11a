"""Rules that hold for the whole package."""
