"""An encoder with a decoder of any size, over the vocabulary that its task trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from safetensors.torch import load_model
from torch import nn

from trainers.errors import ModelError
from trainers.inputs.batches import Encoded
from trainers.models.bert import load_tokenizer
from trainers.models.codec import Marks, TextCodec
from trainers.models.generation.pairs import check_lengths, encode_pairs, made_up_pairs
from trainers.models.model import Model
from trainers.models.stored.body import Checkpoint
from trainers.models.stored.weight_files import WEIGHTS, weight_shapes
from trainers.resolve.needs import Needed
from trainers.tasks import Examples, Task


@dataclass(frozen=True)
class EncoderDecoder(Model):
    """A small BART over the task's own WordPiece vocabulary.

    Attributes:
        layers: transformer layers of the encoder, and as many of the decoder.
        width: size of the hidden states; four times that in the feed-forward layers.
        heads: attention heads; None takes one for every 64 of width.
        dropout: of hidden states and attention alike.
        positions: longest source, and longest target, in tokens.
        initializer_range: standard deviation of fresh weights.
    """

    writes: ClassVar[tuple[str, ...]] = ("text",)

    layers: int = 2
    width: int = 128
    heads: int | None = None
    dropout: float = 0.1
    positions: int = 128
    initializer_range: float = 0.02

    def __post_init__(self) -> None:
        for name in ("layers", "width", "positions"):
            if getattr(self, name) < 1:
                raise ModelError(
                    f"EncoderDecoder({name}={getattr(self, name)!r}): it must be at least 1."
                )
        if self.width % self.number_of_heads:
            raise ModelError(
                f"EncoderDecoder(width={self.width}): it must be a multiple of the "
                f"{self.number_of_heads} heads."
            )
        if not 0 <= self.dropout < 1:
            raise ModelError(f"EncoderDecoder(dropout={self.dropout!r}): it must lie in [0, 1).")

    @property
    def number_of_heads(self) -> int:
        """Attention heads."""
        return self.heads or max(1, self.width // 64)

    @property
    def name(self) -> str:
        """For instance "bart-2x128"."""
        return f"bart-{self.layers}x{self.width}"

    def check(self, task: Task, max_length: int) -> None:
        """Refuse texts longer than the positions.

        Raises:
            ModelError: with the way out.
        """
        check_lengths(
            self.name, self.positions, max_length, task.decoding.longest, has_encoder=True
        )
        if (blocks := getattr(self.pretraining, "length", 0)) > self.positions:
            raise ModelError(
                f"pre-training's length {blocks} is more than the {self.positions} positions of "
                f"{self.name}: lower it or give EncoderDecoder(positions={blocks})."
            )

    def misfit(self, task: Task, folder: Path, init: object) -> Needed | None:
        """As of any model, once the task has trained its vocabulary, which says how large it is."""
        prepared = (folder / "tokenizer.json").is_file()
        return super().misfit(task, folder, init) if prepared else None

    def longest_target(self, max_length: int) -> int | None:
        """Most tokens that a target may have, its end among them."""
        return self.positions

    def config(self, vocabulary: int, marks: Marks) -> Any:
        """The transformers configuration."""
        from transformers import BartConfig

        return BartConfig(
            vocab_size=vocabulary,
            d_model=self.width,
            encoder_layers=self.layers,
            decoder_layers=self.layers,
            encoder_attention_heads=self.number_of_heads,
            decoder_attention_heads=self.number_of_heads,
            encoder_ffn_dim=4 * self.width,
            decoder_ffn_dim=4 * self.width,
            dropout=self.dropout,
            attention_dropout=self.dropout,
            activation_dropout=0.0,
            max_position_embeddings=self.positions,
            init_std=self.initializer_range,
            pad_token_id=marks.padding,
            bos_token_id=marks.start,
            eos_token_id=marks.end,
            decoder_start_token_id=marks.start,
            forced_eos_token_id=None,
            use_cache=False,
        )

    def made(self, vocabulary: int, marks: Marks) -> nn.Module:
        """A `BartForConditionalGeneration`."""
        from transformers import BartForConditionalGeneration

        return BartForConditionalGeneration(self.config(vocabulary, marks))

    def module(self, task: Task, folder: Path) -> nn.Module:
        """A `BartForConditionalGeneration` over the vocabulary of the task."""
        codec = OwnCodec(load_tokenizer(folder))
        return self.made(codec.tokenizer.get_vocab_size(), codec.marks)

    def load(self, module: nn.Module, start: Checkpoint) -> None:
        """Replace all weights: of what writes nothing is drawn anew.

        Raises:
            ModelError: they are of another architecture.
        """
        try:
            if next(module.parameters()).device.type == "meta":
                own = module.state_dict()
                shapes = {n: w.shape for n, w in weight_shapes(start.folder).items()}
                wrong = [n for n, shape in shapes.items() if n not in own or own[n].shape != shape]
                if wrong:
                    raise RuntimeError(f"\n{wrong[0]} is of another shape or not there")
            else:
                load_model(module, str(start.folder / WEIGHTS))
        except RuntimeError as error:
            detail = str(error).splitlines()[1].strip()
            path = start.folder / WEIGHTS
            raise ModelError(f"{path} does not fit {self.name}: {detail}") from error

    def rehearsal(self, task: Task, rows: int, tokens: int) -> tuple[nn.Module, Encoded]:
        """A module of the right size, and texts of equal length."""
        vocabulary, marks = getattr(task, "vocabulary", 8192), Marks(2, 3, 0)
        length = min(tokens, self.positions)
        pairs = made_up_pairs(np.random.default_rng(0), rows, length, vocabulary, marks, True)
        return self.made(vocabulary, marks), pairs

    def encode(self, examples: Examples, folder: Path, max_length: int) -> Encoded:
        """Tokenise sources and targets.

        Raises:
            ModelError: a target is longer than the positions.
        """
        encoded = encode_pairs(examples, self.codec(folder), max_length)
        assert encoded.targets is not None
        longest = int(encoded.targets.lengths.max())
        if longest > self.positions:
            raise ModelError(
                f"a target has {longest} tokens, more than the {self.positions} positions of "
                f"{self.name}: leave it out or give EncoderDecoder(positions={longest})."
            )
        return encoded

    def codec(self, folder: Path) -> TextCodec:
        """How it reads and writes texts, by the vocabulary of the task."""
        return OwnCodec(load_tokenizer(folder))


@dataclass(frozen=True)
class OwnCodec:
    """Texts by the WordPiece vocabulary that a task trained.

    Attributes:
        tokenizer: of the `tokenizers` library.
    """

    tokenizer: Any
    has_encoder: ClassVar[bool] = True

    @property
    def marks(self) -> Marks:
        """[CLS], [SEP] and [PAD]."""
        return Marks(*(self.tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]", "[PAD]")))

    def sources(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """[CLS], the text, [SEP]."""
        self.tokenizer.enable_truncation(max_length)
        return [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]

    def targets(self, texts: Sequence[str]) -> list[list[int]]:
        """The text alone."""
        self.tokenizer.no_truncation()
        encodings = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def texts(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Lower-cased, as the vocabulary is."""
        found: list[str] = self.tokenizer.decode_batch([list(row) for row in rows])
        return found
