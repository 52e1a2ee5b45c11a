"""The model card: what the folder holds, in the format of model hubs."""

from __future__ import annotations

from looped.decoder.unembedding import MARGIN
from looped.decoder.weights import Weights
from looped.precision import FLOAT32

__all__ = ["model_card"]

_CARD = """---
library_name: transformers
pipeline_tag: text-generation
tags: [looped, interpreter, exact]
---

# A SUBLEQ computer with {width}-bit words and {memory:,} words of memory

A stock `{architecture}` of 3 layers and {parameters:,} parameters, whose weights were computed,
not trained. The prompt is a program, and the generated text is its run. `prompt.txt` is the program
`{name}`; the weights run any other program of at most {memory:,} words.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")
model = AutoModelForCausalLM.from_pretrained(".")
prompt = open("prompt.txt", encoding="utf-8").read()
tokens = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
run = model.generate(**tokens)[0, tokens.input_ids.shape[1] :]
print(tokenizer.decode(run, skip_special_tokens=True))   # the output of the program
print(tokenizer.decode(run, skip_special_tokens=False))  # every instruction, one on a line
```

A line is an instruction: the address that it writes to, the value, and the next program counter,
all hexadecimal. A line with a byte in place of address and value writes that byte. ` ?` asks for a
word of input, to be appended as its tokens, and ` <halt>` ends the run.{refresh}

The run is exact in float32 without TF32, for {length} of at most {span:,} tokens: by bounds on
every rounding, the latest of equal records wins by at least {margin:,.0f} logits at its end, and
{needed:.0f} make the softmax one-hot. The token that is due wins by at least {logits:.0f} logits,
so sampling at temperature 1 gives the same text. bfloat16 and float16 are too coarse. The program
counter has {pc_bits} bits and a sign: a program that jumps to {pc:,} or beyond is not represented.
After {context:,} tokens {full}.
"""

_REFRESH = """ A line in round brackets, behind
each record, writes one word again as it is, so that no word leaves the window."""


def model_card(found: Weights, name: str) -> str:
    """The text of the card of a machine with the prompt of a program."""
    spec = found.spec
    sliding = spec.window is not None
    return _CARD.format(
        architecture="MistralForCausalLM" if sliding else "LlamaForCausalLM",
        refresh=_REFRESH if sliding else "",
        length="a window" if sliding else "contexts",
        span=spec.span,
        full="float32 no longer counts positions" if sliding else "the context is full",
        width=spec.width,
        memory=spec.memory,
        parameters=sum(tensor.numel() for tensor in found.state.values()),
        name=name,
        context=spec.context,
        margin=found.clock.margin,
        needed=FLOAT32.underflow,
        logits=MARGIN,
        pc_bits=spec.pc_bits,
        pc=1 << spec.pc_bits,
    )
