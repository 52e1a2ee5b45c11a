"""A circuit and a reference over unknown contents, and the claims to prove about each machine."""
