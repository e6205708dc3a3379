"""Tiny models with random weights in the hub's layout, for a rehearsal of a real one."""

from __future__ import annotations

import json
import re
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from trainers.errors import ModelError
from trainers.inputs import wordpiece
from trainers.models.stored.hub_weights import input_of, silent
from trainers.models.stored.repository import PREPROCESSOR, Repository
from trainers.seeding import initialising

#: As long as the texts that real models read.
POSITIONS = 512
#: Where a configuration has one of these, it gets this size; unlike a real model's, all are small.
_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "embedding_size": 32,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "intermediate_size": 64,
    "hidden_dim": 64,
}
_RESNET = {
    "embedding_size": 8,
    "hidden_sizes": [8, 8, 16, 16],
    "depths": [1, 1, 1, 1],
    "layer_type": "basic",
}
_BERT_TOKENS: dict[str, Any] = {
    f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")
}


def type_of(source: str | Path) -> str:
    """The type of a model's architecture: from its folder, else from its name.

    Raises:
        ModelError: the folder is not here, and the name does not say it.

    >>> [type_of(f"nobody/{name}") for name in ("distilroberta-base", "bert-tiny", "distilgpt2")]
    ['roberta', 'bert', 'gpt2']
    """
    repository = Repository(source)
    if repository.missing_config() is None:
        return repository.model_type
    from transformers import CONFIG_MAPPING

    name = repository.name.lower().replace("minilm", "bert")  # MiniLM is a BERT
    fitting = [t for t in CONFIG_MAPPING if t in name and input_of(t) is not None]
    if not fitting:
        raise ModelError(
            f"{source}: it is not on this machine, and its name does not say of what type it is. "
            "Fetch it, or at least its config.json."
        )
    return max(fitting, key=len)


def save_tiny(kind: str, folder: Path, *, layers: int, side: int, texts: Iterable[str]) -> None:
    """Write a body of random weights with its tokenizer or image processor.

    Args:
        kind: the type of architecture, for instance "roberta".
        folder: empty.
        layers: transformer layers.
        side: pixels a side of the images that a vision model reads.
        texts: what the tokenizer is trained on.
    """
    from transformers import CONFIG_MAPPING, AutoModel

    config: Any = CONFIG_MAPPING[kind]()
    shrink(config, layers, side)
    if input_of(kind) == "images":
        processor = {"image_processor_type": "ViTImageProcessor", "do_normalize": True}
        processor |= {"size": {"height": side, "width": side}, "resample": 2}
        normal = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3}
        (folder / PREPROCESSOR).write_text(json.dumps(processor | normal), "utf-8")
    else:
        tokenizer = make_tokenizer(kind, texts)
        tokenizer.save_pretrained(folder)
        config.vocab_size = len(tokenizer)
        for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
            setattr(config, name, getattr(tokenizer, name))
    # Models of different names differ, or a teacher would be taken for its student.
    with silent(), initialising(zlib.crc32(folder.name.encode())):
        AutoModel.from_config(config, dtype=torch.float32).save_pretrained(folder)


def shrink(config: Any, layers: int, side: int) -> None:
    """Make every size of a configuration small, in place."""
    if config.model_type == "resnet":
        for name, value in _RESNET.items():
            setattr(config, name, value)
        return
    sizes = _SIZES | {"num_hidden_layers": layers, "image_size": side, "patch_size": side // 4}
    # RoBERTa counts positions from behind its padding token.
    sizes["max_position_embeddings"] = POSITIONS + 2
    for name, value in sizes.items():
        if hasattr(config, name):
            setattr(config, name, value)


def make_tokenizer(kind: str, texts: Iterable[str]) -> Any:
    """A tokenizer as those of this type: WordPiece with [CLS], or pairs of bytes."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    if re.search("roberta|camembert|deberta-v2|bart", kind):
        return byte_pairs(texts, marks=True)
    if kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        return word_pieces(texts, typed=kind == "bert")
    return byte_pairs(texts, marks=False)


def word_pieces(texts: Iterable[str], *, typed: bool) -> Any:
    """WordPiece as BERT's.

    Args:
        texts: to train on.
        typed: whether it tells two texts apart by types.
    """
    from tokenizers import Tokenizer
    from transformers import BertTokenizer, PreTrainedTokenizerFast

    with tempfile.TemporaryDirectory() as folder:
        wordpiece.train(texts, 400, Path(folder) / "tokenizer.json")
        made = Tokenizer.from_file(f"{folder}/tokenizer.json")
    if typed:
        return BertTokenizer(tokenizer_object=made, vocab=made.get_vocab(), **_BERT_TOKENS)
    return PreTrainedTokenizerFast(tokenizer_object=made, **_BERT_TOKENS)


def byte_pairs(texts: Iterable[str], *, marks: bool) -> Any:
    """Pairs of bytes: RoBERTa's between <s> and </s>, or GPT-2's, which adds no token.

    Args:
        texts: to train on.
        marks: whether there are <s> and </s>.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if marks else []
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learner = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(texts, learner)
    if not marks:
        made.add_special_tokens(["<|endoftext|>"])
        end = "<|endoftext|>"
        return PreTrainedTokenizerFast(tokenizer_object=made, bos_token=end, eos_token=end)
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>"}
    tokens = {f"{name}_token": token for name, token in names.items()}
    return PreTrainedTokenizerFast(tokenizer_object=made, **tokens)
