"""Shapes of models that the hub has, as published: for a plan before they are here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainers.models.stored.hub_weights import input_of
from trainers.models.stored.repository import PREPROCESSOR

_ROBERTA = {"vocab_size": 50_265, "max_position_embeddings": 514, "type_vocab_size": 1}
_LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}
_BERT_SMALL = {
    "hidden_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "intermediate_size": 2048,
}
_BART_BASE = {
    "d_model": 768,
    "encoder_layers": 6,
    "decoder_layers": 6,
    "encoder_attention_heads": 12,
    "decoder_attention_heads": 12,
    "encoder_ffn_dim": 3072,
    "decoder_ffn_dim": 3072,
}
_RESNET18 = {
    "embedding_size": 64,
    "hidden_sizes": [64, 128, 256, 512],
    "depths": [2, 2, 2, 2],
    "layer_type": "basic",
}
#: Type of architecture, and what of its configuration differs from the type's own default.
SHAPES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "distilbert/distilroberta-base": ("roberta", _ROBERTA | {"num_hidden_layers": 6}),
    "FacebookAI/roberta-base": ("roberta", _ROBERTA),
    "FacebookAI/roberta-large": ("roberta", _ROBERTA | _LARGE),
    "google/bert_uncased_L-4_H-512_A-8": ("bert", _BERT_SMALL),
    "google-bert/bert-base-uncased": ("bert", {}),
    "google-bert/bert-large-uncased": ("bert", _LARGE),
    "distilbert/distilgpt2": ("gpt2", {"n_layer": 6}),
    "openai-community/gpt2": ("gpt2", {}),
    "facebook/bart-base": ("bart", _BART_BASE),
    "facebook/bart-large": ("bart", {}),
    "microsoft/resnet-18": ("resnet", _RESNET18),
    "sentence-transformers/all-MiniLM-L6-v2": (
        "bert",
        {
            "hidden_size": 384,
            "num_hidden_layers": 6,
            "num_attention_heads": 12,
            "intermediate_size": 1536,
        },
    ),
}


def write_shape(source: str, folder: Path) -> None:
    """Write the configuration of a model of :data:`SHAPES`, without weights, into a folder."""
    from transformers import CONFIG_MAPPING

    kind, shape = SHAPES[source]
    config: Any = CONFIG_MAPPING[kind](**shape)
    if kind == "gpt2":
        config.pad_token_id = config.eos_token_id
    config.save_pretrained(folder)
    if input_of(kind) == "images":
        (folder / PREPROCESSOR).write_text(json.dumps({"do_resize": False}), "utf-8")
