"""Tiny models with random weights in the hub's layout, one of every architecture that is tested."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
import transformers as hf

from trainers.models.stored.tiny import make_tokenizer

#: Fresh weights of narrow models learn faster from more than .02.
SPREAD = 0.1
TEXT = ("bert", "roberta", "distilbert", "deberta-v2", "gpt2")
IMAGES = ("resnet", "vit")


def save(kind: str, texts: Iterable[str], folder: Path, layers: int = 2, seed: int = 0) -> Path:
    """Write a body with its tokenizer or image processor, as ``save_pretrained`` does."""
    torch.manual_seed(seed)
    if kind in IMAGES:
        module = _vision(kind)
        processor = {"size": {"height": 16, "width": 16}, "image_mean": [0.5] * 3}
        processor |= {"image_std": [0.25] * 3, "resample": 3, "do_normalize": True}
        processor["image_processor_type"] = "ViTImageProcessor"
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    else:
        tokenizer = make_tokenizer(kind, texts)
        tokenizer.save_pretrained(folder)
        module = _LANGUAGE[kind](len(tokenizer), layers)
    module.save_pretrained(folder)
    return folder


def _bert(vocabulary: int, layers: int) -> hf.PreTrainedModel:
    config = hf.BertConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=48,
        initializer_range=SPREAD,
    )
    return hf.BertModel(config)


def _roberta(vocabulary: int, layers: int) -> hf.PreTrainedModel:
    config = hf.RobertaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=50,
        type_vocab_size=1,
        initializer_range=SPREAD,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    return hf.RobertaModel(config)


def _distilbert(vocabulary: int, layers: int) -> hf.PreTrainedModel:
    config = hf.DistilBertConfig(
        vocab_size=vocabulary,
        dim=32,
        n_layers=layers,
        n_heads=2,
        hidden_dim=64,
        max_position_embeddings=48,
        initializer_range=SPREAD,
    )
    return hf.DistilBertModel(config)


def _deberta(vocabulary: int, layers: int) -> hf.PreTrainedModel:
    config = hf.DebertaV2Config(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=48,
        type_vocab_size=0,
        initializer_range=SPREAD,
        relative_attention=True,
        position_buckets=16,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        pad_token_id=1,
    )
    return hf.DebertaV2Model(config)


def _gpt2(vocabulary: int, layers: int) -> hf.PreTrainedModel:
    config = hf.GPT2Config(
        vocab_size=vocabulary,
        n_embd=32,
        n_layer=layers,
        n_head=2,
        n_positions=48,
        initializer_range=SPREAD,
        bos_token_id=vocabulary - 1,
        eos_token_id=vocabulary - 1,
    )
    return hf.GPT2Model(config)


_LANGUAGE: dict[str, Callable[[int, int], hf.PreTrainedModel]] = {
    "bert": _bert,
    "roberta": _roberta,
    "distilbert": _distilbert,
    "deberta-v2": _deberta,
    "gpt2": _gpt2,
}


def _vision(kind: str) -> hf.PreTrainedModel:
    if kind == "resnet":
        config = hf.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"
        )
        return hf.ResNetModel(config)
    vit = hf.ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=16,
        patch_size=4,
        initializer_range=SPREAD,
    )
    return hf.ViTModel(vit)
