"""A second prover: the circuit of a machine is what its manual says."""
