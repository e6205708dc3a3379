"""Tiny models that write, of random weights in the hub's layout, to rehearse real ones."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trainers.errors import ModelError
from trainers.models.generation.hub import kind_of, writer
from trainers.models.stored.hub_weights import silent
from trainers.models.stored.repository import Repository
from trainers.models.stored.tiny import make_tokenizer, shrink
from trainers.seeding import initialising

#: What BART and its like have beside an encoder's sizes, and T5's names for all of them.
_SIZES: dict[str, Any] = {
    "d_model": 32,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "d_kv": 16,
    "d_ff": 64,
    "num_heads": 2,
    "init_std": 0.1,
    "max_position_embeddings": 1026,  # those of BART, as real ones read long texts
}
_DEPTHS = ("encoder_layers", "decoder_layers", "num_layers", "num_decoder_layers")


def type_of_writer(source: str | Path) -> str:
    """The type of architecture of a model that writes: from its folder, else from its name.

    Raises:
        ModelError: the folder is not here, and the name does not say it.

    >>> [type_of_writer(f"nobody/{name}") for name in ("bart-large", "t5-small", "opus-mt-en-de")]
    ['bart', 't5', 'marian']
    """
    repository = Repository(source)
    if repository.missing_config() is None:
        return repository.model_type
    from transformers import CONFIG_MAPPING

    name = repository.name.lower().replace("opus-mt", "marian")
    fitting = [kind for kind in CONFIG_MAPPING if kind in name and kind_of(kind) is not None]
    if not fitting:
        raise ModelError(
            f"{source}: it is not on this machine, and its name does not say of what type it is. "
            "Fetch it, or at least its config.json."
        )
    return max(fitting, key=len)


def save_tiny_writer(kind: str, folder: Path, *, layers: int, texts: Iterable[str]) -> None:
    """Write a model of random weights with its tokenizer.

    Args:
        kind: the type of architecture, for instance "bart".
        folder: empty.
        layers: of the encoder, and of the decoder.
        texts: what the tokenizer is trained on.
    """
    from transformers import CONFIG_MAPPING

    config: Any = CONFIG_MAPPING[kind]()
    shrink(config, layers, side=32)
    for name, value in {**_SIZES, **dict.fromkeys(_DEPTHS, layers)}.items():
        if hasattr(config, name):
            setattr(config, name, value)
    tokenizer = make_tokenizer(kind, texts)
    tokenizer.save_pretrained(folder)
    config.vocab_size = len(tokenizer)
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        setattr(config, name, getattr(tokenizer, name))
    if kind_of(kind) == "encoder-decoder":
        if config.pad_token_id is None:
            config.pad_token_id = tokenizer.eos_token_id
        config.decoder_start_token_id = tokenizer.bos_token_id
        if hasattr(config, "decoder_vocab_size"):
            config.decoder_vocab_size = len(tokenizer)
    with silent(), initialising(zlib.crc32(folder.name.encode())):
        module: Any = writer(config)
        module.save_pretrained(folder)
