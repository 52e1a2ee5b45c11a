"""Suites of others as targets: they run what is in a folder, and fetch nothing."""
