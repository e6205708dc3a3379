"""Encoders with decoders, and decoders alone, that transformers loads from a folder of the hub."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors import SafetensorError
from torch import nn

from trainers.errors import ModelError
from trainers.inputs.batches import Encoded
from trainers.models.codec import Marks
from trainers.models.generation.pairs import check_lengths, made_up_pairs
from trainers.models.stored.hub_weights import drawn, silent
from trainers.models.stored.weight_files import weight_shapes
from trainers.models.text import open_tokenizer, padding_token

Kind = Literal["encoder-decoder", "decoder"]


def kind_of(model_type: str) -> Kind | None:
    """What a type of model writes with, if it writes texts.

    >>> kind_of("bart"), kind_of("t5"), kind_of("gpt2"), kind_of("roberta"), kind_of("vit")
    ('encoder-decoder', 'encoder-decoder', 'decoder', None, None)
    """
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    )

    if model_type in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES:
        return "encoder-decoder"
    # BERT and its like have a head for it, and have never been trained to write.
    written = set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES) - set(MODEL_FOR_MASKED_LM_MAPPING_NAMES)
    return "decoder" if model_type in written else None


def writer(config: Any) -> nn.Module:
    """A model that writes, in float32, with weights drawn from torch's global generator.

    Raises:
        ModelError: transformers cannot make one of these values.
    """
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    has_encoder = kind_of(config.model_type) == "encoder-decoder"
    return drawn(AutoModelForSeq2SeqLM if has_encoder else AutoModelForCausalLM, config)


def load_writer(module: Any, folder: Path) -> None:
    """Replace all weights of a model that writes by those in a folder, in place.

    Of a module on the meta device only names and shapes are held against theirs.

    Raises:
        ModelError: the weights are damaged, or those of another architecture.
    """
    from transformers import GenerationConfig

    stored: dict[str, Any] = {"pretrained_model_name_or_path": folder, "use_safetensors": True}
    try:
        if module.device.type == "meta":
            zeros = {n: torch.zeros(()).expand(w.shape) for n, w in weight_shapes(folder).items()}
            stored = {"pretrained_model_name_or_path": None, "state_dict": zeros}
        with silent(), torch.random.fork_rng(devices=[]):
            loaded, report = type(module).from_pretrained(
                **stored,
                config=deepcopy(module.config),
                # A folder without one is no fault: how a model writes is said by the task.
                generation_config=GenerationConfig(),
                dtype=torch.float32,
                local_files_only=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
            )
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError) as error:
        detail = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{folder}: its weights cannot be read: {detail}") from error
    named = type(module).__name__
    for missing in sorted(report["missing_keys"]):
        raise ModelError(f"{folder} does not fit {named}: it has no {missing}.")
    for name, found, expected in sorted(report["mismatched_keys"]):
        raise ModelError(
            f"{folder} does not fit {named}: {name} has the shape {tuple(found)} in place of "
            f"{tuple(expected)}."
        )
    if module.device.type != "meta":
        module.load_state_dict(loaded.state_dict())


@dataclass(frozen=True)
class HubCodec:
    """Texts by the tokenizer of a folder.

    Attributes:
        folder: with the tokenizer.
        start: what the decoder reads first, where there is an encoder; None where there is none.
    """

    folder: Path
    start: int | None

    @property
    def has_encoder(self) -> bool:
        """Whether an encoder reads the source."""
        return self.start is not None

    @property
    def marks(self) -> Marks:
        """The start of the decoder, or else the end of a text; the end; the padding.

        Raises:
            ModelError: the tokenizer has no end.
        """
        tokenizer = open_tokenizer(self.folder)
        end = tokenizer.eos_token_id
        if end is None:
            raise ModelError(
                f"{self.folder}: its tokenizer has no token that ends a text, without which a "
                "model never stops writing. Name one, as in tokenizer.eos_token = ..., and "
                "save_pretrained() the tokenizer into the folder."
            )
        start = end if self.start is None else self.start
        return Marks(int(start), int(end), int(padding_token(tokenizer) or 0))

    def sources(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """As the tokenizer reads a text for the encoder; for a decoder alone, bare."""
        tokenizer = open_tokenizer(self.folder)
        read = tokenizer(
            list(texts),
            truncation=True,
            max_length=max_length,
            add_special_tokens=self.has_encoder,
            return_attention_mask=False,
        )
        found: list[list[int]] = read["input_ids"]
        return found

    def targets(self, texts: Sequence[str]) -> list[list[int]]:
        """As the tokenizer reads what is to be written, without the end.

        What it puts first, as BART's <s>, stays.
        """
        tokenizer, end = open_tokenizer(self.folder), self.marks.end
        read = tokenizer(
            text_target=list(texts),
            add_special_tokens=self.has_encoder,
            return_attention_mask=False,
        )
        rows: list[list[int]] = read["input_ids"]
        return [row[:-1] if row and row[-1] == end else row for row in rows]

    def texts(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Without special tokens, and without spaces at the ends."""
        tokenizer = open_tokenizer(self.folder)
        decoded = tokenizer.batch_decode([list(row) for row in rows], skip_special_tokens=True)
        return [text.strip() for text in decoded]


@dataclass(frozen=True)
class Writing:
    """What a model of the hub is where it writes.

    Attributes:
        called: its name, for messages.
        folder: its files.
        config: its configuration.
    """

    called: str
    folder: Path
    config: Any

    @property
    def codec(self) -> HubCodec:
        """How it reads and writes texts."""
        if kind_of(self.config.model_type) != "encoder-decoder":
            return HubCodec(self.folder, None)
        start = getattr(self.config, "decoder_start_token_id", None)
        if start is None:
            start = getattr(self.config, "bos_token_id", None)
        return HubCodec(self.folder, self.config.pad_token_id if start is None else start)

    @property
    def room(self) -> int | None:
        """The longest text in tokens; None where there is no limit."""
        if getattr(self.config, "relative_attention_num_buckets", None):  # T5's
            return None
        positions: int | None = getattr(self.config, "max_position_embeddings", None)
        return positions

    @property
    def tokens(self) -> str:
        """SHA-256 of its tokens with their numbers, and whether it has an encoder."""
        known = sorted(open_tokenizer(self.folder).get_vocab().items())
        told = json.dumps([kind_of(self.config.model_type), known])
        return hashlib.sha256(told.encode()).hexdigest()

    def check(self, longest: int, max_length: int) -> None:
        """Refuse a model that writes nothing, or not so much, or never stops.

        Args:
            longest: tokens of a text that is written.
            max_length: tokens of a source.

        Raises:
            ModelError: with the way out.
        """
        kind = self.config.model_type
        if kind_of(kind) is None:
            raise ModelError(
                f'{self.called} is of the type "{kind}", which writes no text: take one of the '
                "types BART, T5, MarianMT or GPT-2."
            )
        _ = self.codec.marks
        check_lengths(self.called, self.room, max_length, longest, self.codec.has_encoder)

    def made_up(self, draws: np.random.Generator, rows: int, tokens: int) -> Encoded:
        """Texts of noise, of equal lengths."""
        length = min(tokens, (self.room or 2 * tokens) // 2)
        marks, has_encoder = self.codec.marks, self.codec.has_encoder
        return made_up_pairs(draws, rows, length, self.config.vocab_size, marks, has_encoder)
