"""What earlier runs have made, on disk: found by its key, checked by its hash, never trusted."""
