"""Other hosts of a causal machine: llama.cpp, ONNX and TransformerLens run the same weights."""
