"""RV32IMA with machine mode, made of the parts of RV32I and RV32IM."""
