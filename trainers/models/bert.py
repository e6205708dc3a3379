"""A BERT of any size over the vocabulary that its task trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from trainers.errors import ModelError
from trainers.inputs.batches import Encoded, Ragged
from trainers.inputs.wordpiece import SPECIAL
from trainers.models.model import Model
from trainers.models.text import save_tokenizer
from trainers.resolve.needs import Needed
from trainers.tasks import Examples, Task


@dataclass(frozen=True)
class Bert(Model):
    """A small BERT classifier over the task's own WordPiece vocabulary.

    Attributes:
        layers: transformer layers.
        width: size of the hidden states; four times that in the feed-forward layers.
        heads: attention heads; None takes one for every 64 of width.
        dropout: of hidden states and attention alike.
        positions: longest text in tokens.
        initializer_range: standard deviation of fresh weights; BERT's .02 suits a width of 768,
            and narrow models learn faster from more.
    """

    layers: int = 2
    width: int = 128
    heads: int | None = None
    dropout: float = 0.1
    positions: int = 128
    initializer_range: float = 0.02

    def __post_init__(self) -> None:
        for name in ("layers", "width", "positions"):
            if getattr(self, name) < 1:
                raise ModelError(f"Bert({name}={getattr(self, name)!r}): it must be at least 1.")
        if self.width % self.number_of_heads:
            raise ModelError(
                f"Bert(width={self.width}): it must be a multiple of the "
                f"{self.number_of_heads} heads."
            )
        if not 0 <= self.dropout < 1:
            raise ModelError(f"Bert(dropout={self.dropout!r}): it must lie in [0, 1).")

    @property
    def number_of_heads(self) -> int:
        """Attention heads."""
        return self.heads or max(1, self.width // 64)

    @property
    def name(self) -> str:
        """For instance "bert-2x128"."""
        return f"bert-{self.layers}x{self.width}"

    def vocabulary_of(self, task: Task) -> str:
        """The fingerprint of the data, which the vocabulary is made from."""
        return task.fingerprint()

    def check(self, task: Task, max_length: int) -> None:
        """Refuse images, and texts or blocks longer than the positions.

        Raises:
            ModelError: with the way out.
        """
        if task.reads == "images":
            raise ModelError(f"{self.name} reads text, and {task.name} has images.")
        blocks = getattr(self.pretraining, "length", 0)
        for what, length in (("max_length", max_length), ("pre-training's length", blocks)):
            if length > self.positions:
                raise ModelError(
                    f"{what} {length} is more than the {self.positions} positions of "
                    f"{self.name}: lower it or give Bert(positions={length})."
                )

    def misfit(self, task: Task, folder: Path, init: object) -> Needed | None:
        """As of any model, once the task has trained its vocabulary, which says how large it is."""
        prepared = (folder / "tokenizer.json").is_file()
        return super().misfit(task, folder, init) if prepared else None

    def config(self, vocabulary: int, classes: int) -> Any:
        """The transformers configuration."""
        from transformers import BertConfig

        return BertConfig(  # type: ignore[call-arg]
            vocab_size=vocabulary,
            hidden_size=self.width,
            num_hidden_layers=self.layers,
            num_attention_heads=self.number_of_heads,
            intermediate_size=4 * self.width,
            hidden_dropout_prob=self.dropout,
            attention_probs_dropout_prob=self.dropout,
            max_position_embeddings=self.positions,
            initializer_range=self.initializer_range,
            num_labels=classes,
        )

    def module(self, task: Task, folder: Path) -> nn.Module:
        """A `BertForSequenceClassification`."""
        from transformers import BertForSequenceClassification

        vocabulary = load_tokenizer(folder).get_vocab_size()
        return BertForSequenceClassification(self.config(vocabulary, len(task.classes)))

    def rehearsal(self, task: Task, rows: int, tokens: int) -> tuple[nn.Module, Encoded]:
        """A module of the right size and texts of equal length."""
        from transformers import BertForSequenceClassification

        vocabulary = getattr(task, "vocabulary", 30_522)
        module = BertForSequenceClassification(self.config(vocabulary, len(task.classes)))
        draws = np.random.default_rng(0)
        texts = draws.integers(5, vocabulary, (rows, min(tokens, self.positions))).tolist()
        labels = draws.integers(0, len(task.classes), rows)
        ragged = {"input_ids": Ragged.of(texts)}
        return module, Encoded(np.arange(rows), labels, ragged, {"input_ids": 0})

    def encode(self, examples: Examples, folder: Path, max_length: int) -> Encoded:
        """Tokenise one or two texts; the longer of two is cut first.

        Raises:
            ModelError: the examples are no text, or texts may become longer than the model reads.
        """
        if "text" not in examples.inputs:
            raise ModelError(f"{self.name} reads text, and the task's examples have none.")
        if max_length > self.positions:
            raise ModelError(
                f"max_length={max_length} is more than the {self.positions} positions of "
                f"{self.name}: lower it or give Bert(positions={max_length})."
            )
        tokenizer = load_tokenizer(folder)
        tokenizer.enable_truncation(max_length)
        columns = [examples.inputs[c] for c in ("text", "text_pair") if c in examples.inputs]
        texts = [t[0] if len(t) == 1 else t for t in zip(*columns, strict=True)]
        encodings = tokenizer.encode_batch(texts)
        ragged = {"input_ids": Ragged.of([e.ids for e in encodings])}
        if len(columns) > 1:
            ragged["token_type_ids"] = Ragged.of([e.type_ids for e in encodings])
        padding = {"input_ids": tokenizer.token_to_id("[PAD]"), "token_type_ids": 0}
        return Encoded(examples.ids, examples.labels, ragged, padding)

    def save_reader(self, folder: Path, max_length: int, target: Path) -> bool:
        """The task's own WordPiece, as a tokenizer of transformers."""
        from transformers import PreTrainedTokenizerFast

        special = {f"{token[1:-1].lower()}_token": token for token in SPECIAL}
        made = PreTrainedTokenizerFast(tokenizer_object=load_tokenizer(folder), **special)
        save_tokenizer(made, max_length, target, types=True)
        return True


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer that the task trained when it was prepared."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))
