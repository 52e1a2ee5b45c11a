"""A circuit and a reference over unknown contents, and what to prove of each machine."""
