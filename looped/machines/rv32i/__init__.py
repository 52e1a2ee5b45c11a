"""RV32I, the base integer instruction set of RISC-V, as a circuit."""
