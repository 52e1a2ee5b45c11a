"""Random RISC-V programs."""
