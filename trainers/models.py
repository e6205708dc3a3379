"""Models as declarations: frozen dataclasses that build a module when a run needs one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from safetensors.torch import load_file
from torch import Tensor, nn

from trainers.batches import Encoded, Ragged
from trainers.errors import ModelError
from trainers.seeding import initialising
from trainers.tasks import Examples, Task

if TYPE_CHECKING:
    from trainers.pretraining import MaskedLanguageModelling, Supervised

#: The file inside a checkpoint folder that holds the weights, as on the hub.
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Model:
    """An architecture, and what its ``pretrained`` weights come from.

    Attributes:
        pretraining: the run that ``init="pretrained"`` starts from.
    """

    #: Raised when the same fields would build another module or encode otherwise.
    revision: ClassVar[int] = 1

    pretraining: "MaskedLanguageModelling | Supervised | None" = field(default=None, kw_only=True)

    @property
    def name(self) -> str:
        """Short name for tables and tags."""
        raise NotImplementedError

    def module(self, task: Task, folder: Path) -> nn.Module:
        """A classifier for the task with weights drawn from torch's global generator."""
        raise NotImplementedError

    def encode(self, examples: Examples, folder: Path, max_length: int) -> Encoded:
        """Turn examples into what the module reads."""
        raise NotImplementedError

    def check(self, task: Task, max_length: int) -> None:
        """Called when a study is loaded: raise ModelError for a task that it cannot read."""

    def rehearsal(self, task: Task, rows: int, tokens: int) -> tuple[nn.Module, Encoded]:
        """A module of the right size and made-up examples, for timing before data are there."""
        raise NotImplementedError

    def build(self, task: Task, folder: Path, seed: int, body: Path | None = None) -> nn.Module:
        """A classifier at the start of its run.

        The whole module is drawn from the seed's initialisation stream before a body is loaded, so
        that the head of a pre-trained and of a scratch student of one seed are the same.

        Args:
            task: gives the number of classes.
            folder: where the task was prepared.
            seed: the replicate's seed.
            body: checkpoint folder whose weights replace all but the head.
        """
        with initialising(seed):
            module = self.module(task, folder)
        if body is not None:
            load_body(module, body)
        return module

    def specification(self) -> dict[str, Any]:
        """Class, revision and architecture, for the key of a run; not the pre-training."""
        return {
            "model": type(self).__name__,
            "revision": self.revision,
            **{f.name: getattr(self, f.name) for f in fields(self) if f.name != "pretraining"},
        }


def load_body(module: Any, checkpoint: Path) -> None:
    """Replace all but the head by the weights in a checkpoint folder, in place.

    Args:
        module: a transformers classifier.
        checkpoint: holds ``model.safetensors`` of the body alone or of a whole classifier.

    Raises:
        ModelError: the weights are of another architecture.
    """
    prefix = f"{module.base_model_prefix}."
    weights = load_file(checkpoint / WEIGHTS)
    if any(name.startswith(prefix) for name in weights):
        weights = {n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}
    # Pre-training by masked words learns no pooler: it then belongs to the head.
    own = module.base_model.state_dict()
    poolers = {n: w for n, w in own.items() if n.startswith("pooler.") and n not in weights}
    _load(module.base_model, weights | poolers, checkpoint)


def _load(module: nn.Module, weights: Mapping[str, Tensor], checkpoint: Path) -> None:
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        detail = str(error).splitlines()[1].strip()
        raise ModelError(
            f"{checkpoint / WEIGHTS} does not fit {type(module).__name__}: {detail}"
        ) from error


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
        """A ``BertForSequenceClassification``."""
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


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer that the task trained when it was prepared."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))


@dataclass(frozen=True)
class ResNet(Model):
    """A small residual network for images, from transformers' ResNet.

    Attributes:
        widths: channels of each stage; every stage after the first halves the image.
        blocks: residual blocks a stage.
    """

    widths: tuple[int, ...] = (16, 32)
    blocks: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if not self.widths or min(self.widths) < 1 or self.blocks < 1:
            raise ModelError(
                f"ResNet(widths={self.widths!r}, blocks={self.blocks!r}): at least one stage of "
                "at least one channel and one block."
            )

    @property
    def name(self) -> str:
        """For instance "resnet-16-32"."""
        return "resnet-" + "-".join(map(str, self.widths))

    def check(self, task: Task, max_length: int) -> None:
        """Refuse text.

        Raises:
            ModelError: the task's examples are no images.
        """
        if task.reads != "images":
            raise ModelError(f"{self.name} reads images, and {task.name} has text.")

    def module(self, task: Task, folder: Path) -> nn.Module:
        """A ``ResNetForImageClassification`` whose stem keeps the size of small images."""
        from transformers import ResNetConfig, ResNetForImageClassification

        channels = task.image_shape[0]
        module: Any = ResNetForImageClassification(
            ResNetConfig(  # type: ignore[call-arg]
                num_channels=channels,
                embedding_size=self.widths[0],
                hidden_sizes=list(self.widths),
                depths=[self.blocks] * len(self.widths),
                layer_type="basic",
                num_labels=len(task.classes),
            )
        )
        # The stem is made for 224 × 224 pixels and would shrink an 8 × 8 digit to 2 × 2.
        stem = module.resnet.embedder
        stem.embedder.convolution = nn.Conv2d(channels, self.widths[0], 3, padding=1, bias=False)
        stem.pooler = nn.Identity()
        return module

    def rehearsal(self, task: Task, rows: int, tokens: int) -> tuple[nn.Module, Encoded]:
        """A module of the right size and images of noise."""
        draws = np.random.default_rng(0)
        pixels = draws.random((rows, *task.image_shape), np.float32)
        labels = draws.integers(0, len(task.classes), rows)
        module = self.module(task, Path())
        return module, Encoded(np.arange(rows), labels, dense={"pixel_values": pixels})

    def encode(self, examples: Examples, folder: Path, max_length: int) -> Encoded:
        """Pixels centred on zero.

        Raises:
            ModelError: the examples are no images.
        """
        if "pixels" not in examples.inputs:
            raise ModelError(f"{self.name} reads images, and the task's examples have none.")
        pixels = 2 * np.asarray(examples.inputs["pixels"], np.float32) - 1
        return Encoded(examples.ids, examples.labels, dense={"pixel_values": pixels})
