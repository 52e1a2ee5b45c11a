"""RV32IM: RV32I and the M extension, multiplication and division, as a circuit."""
