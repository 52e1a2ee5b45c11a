"""A SUBLEQ computer as a causal language model: the prompt is the program, the text is its run.

Memory is the context. Each instruction is a record of three or four tokens: the address that it
writes to, the value, and the next program counter. To read an address, a head attends to the latest
record that has it. The model is a stock `LlamaForCausalLM`, and `generate` executes the program.
"""

from __future__ import annotations

from looped.decoder.records import Kind, Record, records
from looped.decoder.replay import Replayed, replay
from looped.decoder.spec import Spec
from looped.decoder.vocabulary import Vocabulary

__all__ = ["Kind", "Record", "Replayed", "Spec", "Vocabulary", "records", "replay"]
