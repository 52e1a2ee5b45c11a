"""The real-valued constructions of Giannou et al. 2023, on the core, with their measured errors."""
