"""The tokenizer: trace tokens are special, output bytes are bytes; so text shows the output."""

from __future__ import annotations

from typing import Any

from looped.decoder.stock import transformers
from looped.decoder.vocabulary import Vocabulary

__all__ = ["tokenizer"]


def tokenizer(vocabulary: Vocabulary) -> Any:
    """A tokenizer that reads the text of `Vocabulary.text`.

    Every token but the bytes of output is special: decoding with `skip_special_tokens=True`, as
    pipelines do, gives the program's output in UTF-8, and without it the whole listing. Raises
    CompileError if `transformers` is not installed.
    """
    stock = transformers()
    from tokenizers import AddedToken, Tokenizer, decoders, models

    names = [vocabulary.name(token) for token in range(vocabulary.size)]
    begin, halt = names[vocabulary.begin], names[vocabulary.halt]
    model = models.WordLevel({name: token for token, name in enumerate(names)}, unk_token=begin)
    text = Tokenizer(model)
    text.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    shown = vocabulary.types["out"]
    special = [name for token, name in enumerate(names) if token not in shown]
    text.add_special_tokens([AddedToken(n, special=True, normalized=False) for n in special])
    text.add_tokens([AddedToken(names[token], normalized=False) for token in shown])
    return stock.PreTrainedTokenizerFast(
        tokenizer_object=text,
        bos_token=begin,
        eos_token=halt,
        pad_token=halt,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
