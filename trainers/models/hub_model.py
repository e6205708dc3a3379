"""Any encoder, decoder or vision classifier that transformers loads from a hub name or a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import nn

from trainers.errors import ModelError
from trainers.inputs.batches import Encoded, Ragged
from trainers.models.codec import TextCodec
from trainers.models.generation.hub import Writing, load_writer, writer
from trainers.models.generation.pairs import encode_pairs, room_for_target
from trainers.models.images import Preprocessing
from trainers.models.layers import EverySecondLayer
from trainers.models.model import Model
from trainers.models.stem import SMALL_STEM, make_stem_small
from trainers.models.stored.body import Checkpoint, load_body, mark_drawn_anew
from trainers.models.stored.configuration import read_configuration
from trainers.models.stored.hub_weights import classifier, input_of, load_pretrained_body
from trainers.models.stored.repository import Repository, without_weights
from trainers.models.text import (
    encode_texts,
    open_tokenizer,
    padding_token,
    save_tokenizer,
    text_lengths,
)
from trainers.resolve.folders import settled
from trainers.resolve.needs import Needed
from trainers.tasks import Examples, Task


@dataclass(frozen=True)
class HubModel(Model):
    """A classifier on a model of the hub, with its tokenizer or image processor.

    `init="pretrained"` reads the weights of the folder, `init="scratch"` draws all of them
    from the seed as the model's own configuration says. Either way the tokenizer is the folder's
    and the head is drawn from the seed, also where the folder has one. Weights are read from
    safetensors alone, no code of a repository is ever run, and nothing is downloaded while a
    study is planned or trained: `bench fetch` does that.

    Attributes:
        source: a hub name such as "distilbert/distilroberta-base", or a folder in the hub's layout.
            Neither is part of a run's key; a digest of the contents is.
        layers: transformer layers, where the student is to have fewer than the folder says.
        image_size: pixels a side that images are stretched to, without a crop; None takes the image
            processor's own way.
        dtype: of the weights. A checkpoint in half precision is trained in float32 unless this
            says otherwise; `Training(precision="bf16")` computes in bfloat16 on float32 weights.
        stem: of a residual network: "own", made for 224 × 224 pixels, or "small", which keeps the
            size of small images and is drawn from the seed, also with pre-trained weights above.
    """

    writes: ClassVar[tuple[str, ...]] = ("classes", "text")

    source: str | Path
    layers: int | None = None
    image_size: int | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"
    stem: Literal["own", "small"] = "own"

    def __post_init__(self) -> None:
        if not isinstance(self.source, str | Path) or not str(self.source).strip():
            raise ModelError(f"HubModel({self.source!r}): give a hub name or a folder.")
        object.__setattr__(self, "source", settled(self.source))
        if self.pretraining is not None:
            raise ModelError(
                f"HubModel({str(self.source)!r}): its pretraining is the folder's weights. Give "
                "an arm init=... to start from something else."
            )
        for name in ("layers", "image_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ModelError(f"HubModel({name}={value!r}): it must be at least 1.")
        if self.dtype not in ("float32", "bfloat16"):
            raise ModelError(f'HubModel(dtype={self.dtype!r}): use "float32" or "bfloat16".')
        if self.stem not in ("own", "small"):
            raise ModelError(f'HubModel(stem={self.stem!r}): use "own" or "small".')

    @property
    def name(self) -> str:
        """The last part of the source, for instance "distilroberta-base"."""
        depth = f"-{self.layers}-layers" if self.layers else ""
        stem = "-small-stem" if self.stem == "small" else ""
        return f"{self.repository.name}{depth}{stem}"

    @property
    def is_pretrained(self) -> bool:
        """Always: the folder holds the weights."""
        return True

    @property
    def repository(self) -> Repository:
        """Its files."""
        return Repository(self.source)

    @cached_property
    def positions(self) -> int | None:
        """The longest text in tokens; None where positions are only relative to each other."""
        config = self.config(2)
        longest: int | None = getattr(config, "max_position_embeddings", None)
        with torch.device("meta"):
            module = classifier(config)
        for name, part in module.named_modules():
            # RoBERTa counts positions from behind the padding token's number.
            if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
                offset = 0 if part.padding_idx is None else part.padding_idx + 1
                longest = part.num_embeddings - offset
        return longest

    def requirements(self, init: object) -> tuple[Needed, ...]:
        """The folder's files; the weights only for an init that reads them."""
        wrong = self.repository.missing_config()
        found = [wrong if init == "pretrained" or wrong is None else without_weights(wrong)]
        if wrong is None:
            found.append(self._missing_reader())
            if init == "pretrained":
                found.append(self.repository.missing_weights())
        if isinstance(init, EverySecondLayer):
            found.append(init.repository.missing_config() or init.repository.missing_weights())
        return (*(n for n in found if n is not None), *super().requirements(init))

    def start(self, init: object) -> Checkpoint | None:
        """The folder itself, every second layer of another one, or a checkpoint of the user's.

        Raises:
            ModelError: the weights are missing or unfit, or layers of another number.
        """
        if isinstance(init, EverySecondLayer):
            return self._some_layers(init)
        if init != "pretrained":
            return super().start(init)
        depth = getattr(self.repository.config(), "num_hidden_layers", None)
        if self.layers and depth != self.layers:
            raise ModelError(
                f'{self.name}: init="pretrained" has {depth} layers; start from '
                f'every_second_layer({str(self.source)!r}) or from "scratch".'
            )
        return self.repository.checkpoint()

    def check(self, task: Task, max_length: int) -> None:
        """Refuse what it cannot read, if its folder is there.

        Raises:
            ModelError: images for a language model, text for a vision model, texts longer than its
                positions, or images that are to be read in a way that is not done here.
        """
        if self.repository.missing_config() or self._missing_reader():
            return
        kind = self.repository.model_type
        if task.writes == "text":
            self._writing.check(task.decoding.longest, max_length)
            return
        if input_of(kind) is None:
            raise ModelError(f'{self.name} is of the type "{kind}", which classifies nothing.')
        if input_of(kind) != task.reads:
            raise ModelError(
                f"{self.name} reads {input_of(kind)}, and {task.name} has {task.reads}."
            )
        if task.reads == "images":
            Preprocessing.check(self.repository.folder, self.image_size)
        if task.reads == "text" and self.positions and max_length > self.positions:
            raise ModelError(
                f"max_length {max_length} is more than the {self.positions} positions of "
                f"{self.name}: lower it."
            )

    @property
    def _writing(self) -> Writing:
        return Writing(self.name, self.repository.folder, self.config(0))

    def codec(self, folder: Path) -> TextCodec:
        """How it reads and writes texts, by its own tokenizer."""
        return self._writing.codec

    def longest_target(self, max_length: int) -> int | None:
        """Most tokens that a target may have, its end among them."""
        return room_for_target(self._writing.room, max_length, self._writing.codec.has_encoder)

    def target_lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of texts that are to be written, their end among them."""
        return [len(row) + 1 for row in self._writing.codec.targets(texts)] if texts else []

    def tokens(self) -> str:
        """A digest of its vocabulary, with what it writes by."""
        missing = self.repository.missing_config() or self._missing_reader()
        return "" if missing else self._writing.tokens

    def config(self, classes: int) -> Any:
        """The transformers configuration, with a head of so many classes; 0 is no head.

        Raises:
            ModelError: the folder is missing or unfit, or the depth cannot be changed.
        """
        config = self.repository.config()
        if classes:
            config.num_labels = classes
        if hasattr(config, "use_cache"):
            config.use_cache = False
        if input_of(config.model_type) == "text" or not classes:
            config.pad_token_id = padding_token(open_tokenizer(self.repository.folder))
        if self.layers:
            if not hasattr(config, "num_hidden_layers"):
                raise ModelError(f"{self.name}: a {config.model_type} has no number of layers.")
            config.num_hidden_layers = self.layers
        return config

    def module(self, task: Task, folder: Path) -> nn.Module:
        """The classifier that transformers has for the configuration, in float32, or the writer.

        Raises:
            ModelError: the task has fewer than two classes.
        """
        if task.writes == "text":
            return writer(self.config(0))
        classes = len(task.classes)
        if classes < 2:
            raise ModelError(
                f"{self.name}: a classifier takes two classes or more; {task.name} has {classes}."
            )
        module: Any = classifier(self.config(classes))
        if self.stem == "small":
            make_stem_small(module)
            mark_drawn_anew(module.base_model, (SMALL_STEM,))
        return module

    def load(self, module: Any, start: Checkpoint) -> None:
        """Replace all but the head by a checkpoint's weights, read as transformers reads them."""
        if hasattr(module, "get_output_embeddings") and module.get_output_embeddings() is not None:
            load_writer(module, start.folder)
            return
        small = self.stem == "small"
        if small and not (start.folder / "config.json").is_file():
            load_body(module, start.folder)  # a run's own weights, its stem among them
            return
        config = deepcopy(module.config)
        if start.layers:
            config.num_hidden_layers = Repository(start.folder).config().num_hidden_layers
        fresh = (SMALL_STEM,) if small else ()
        load_pretrained_body(module, start.folder, config, start.layers, fresh)

    def finish(self, module: Any) -> nn.Module:
        """Give the module its dtype, and images what they pass through first."""
        dtype = getattr(torch, self.dtype)
        module.to(dtype)
        if input_of(module.config.model_type) == "images":
            preprocessing = Preprocessing.of(self.repository.folder, self.image_size, dtype)
            module.register_forward_pre_hook(preprocessing, with_kwargs=True)
        return module

    def rehearsal(self, task: Task, rows: int, tokens: int) -> tuple[nn.Module, Encoded]:
        """A module of the right size, and texts of equal length or images of noise."""
        module: Any = self.finish(self.module(task, Path()))
        draws = np.random.default_rng(0)
        if task.writes == "text":
            return module, self._writing.made_up(draws, rows, tokens)
        labels = draws.integers(0, len(task.classes), rows)
        if task.reads == "images":
            pixels = draws.random((rows, *task.image_shape), np.float32)
            return module, Encoded(np.arange(rows), labels, dense={"pixel_values": pixels})
        length = min(tokens, self.positions or tokens)
        texts = draws.integers(0, module.config.vocab_size, (rows, length)).tolist()
        padding = {"input_ids": module.config.pad_token_id}
        return module, Encoded(np.arange(rows), labels, {"input_ids": Ragged.of(texts)}, padding)

    def encode(self, examples: Examples, folder: Path, max_length: int) -> Encoded:
        """Token numbers by the model's own tokenizer, or the pixels as they are.

        Raises:
            ModelError: the examples are not what the model reads, or its tokenizer is not its own.
        """
        if "target" in examples.inputs:
            return self._own(encode_pairs(examples, self.codec(folder), max_length))
        config = self.config(2)
        kind = input_of(config.model_type)
        if kind == "images":
            if "pixels" not in examples.inputs:
                raise ModelError(f"{self.name} reads images, and the task's examples have none.")
            pixels = np.asarray(examples.inputs["pixels"], np.float32)
            return Encoded(examples.ids, examples.labels, dense={"pixel_values": pixels})
        if "text" not in examples.inputs:
            raise ModelError(f"{self.name} reads text, and the task's examples have none.")
        types = getattr(config, "type_vocab_size", 0) > 1
        return self._own(encode_texts(examples, self.repository.folder, max_length, types=types))

    def _own(self, encoded: Encoded) -> Encoded:
        """The same; ModelError where the tokenizer is not the model's."""
        config = self.repository.config()
        padding = int(encoded.padding["input_ids"])
        largest = max(int(c.values.max(initial=padding)) for c in encoded.ragged.values())
        if largest >= config.vocab_size:
            raise ModelError(
                f"{self.name}: its tokenizer gives the number {largest}, but there are "
                f"{config.vocab_size} embeddings. The tokenizer is another model's."
            )
        return encoded

    def save_reader(self, folder: Path, max_length: int, target: Path) -> bool:
        """The folder's tokenizer, which cuts texts as the run did, or its image processor."""
        config, own = self.config(2), self.repository.folder
        if input_of(config.model_type) == "images":
            Preprocessing.save(own, self.image_size, target)
        else:
            types = getattr(config, "type_vocab_size", 0) > 1
            save_tokenizer(open_tokenizer(own), max_length, target, types=types)
        return True

    def lengths(self, texts: Mapping[str, Sequence[str]]) -> tuple[list[int], bool]:
        """Tokens of each text before any is cut, special ones included."""
        return text_lengths([*texts.values()], self.repository.folder), True

    def specification(self) -> dict[str, Any]:
        """What the files say and the fields ask for; the weights stand beside it in the key."""
        return {
            "model": type(self).__name__,
            "revision": self.revision,
            "description": self.repository.description(),
            "layers": self.layers,
            "image_size": self.image_size,
            "dtype": self.dtype,
            # Left out where it says "as ever", so that older runs keep their keys.
            **({"stem": self.stem} if self.stem != "own" else {}),
            **({"images": images} if (images := self._images()) else {}),
            # Noise was put on what no pass of these reads until it was put on the encoder's.
            **({"embeddings": "encoder"} if self._has_encoder_and_decoder() else {}),
        }

    def _has_encoder_and_decoder(self) -> bool:
        return bool(read_configuration(self.repository.folder).get("is_encoder_decoder"))

    def _images(self) -> dict[str, Any]:
        """How images are read, where that does not stand in the files."""
        if input_of(self.repository.model_type) != "images" or self._missing_reader():
            return {}
        return Preprocessing.in_key(self.repository.folder, self.image_size)

    def _missing_reader(self) -> Needed | None:
        """Why text or images cannot be read, if they cannot; a tokenizer is opened to see."""
        kind = input_of(self.repository.model_type)
        wrong = self.repository.missing_reader(kind)
        if wrong or kind != "text":
            return wrong
        try:
            config = self.repository.config()
            tokenizer = open_tokenizer(self.repository.folder)
        except ModelError as error:
            return self.repository.unfit(str(error).rstrip("."))
        padding, vocabulary = padding_token(tokenizer), tokenizer.get_vocab()
        if not vocabulary.keys() - set(tokenizer.all_special_tokens):
            return self.repository.unfit("its tokenizer knows no word: its vocabulary is empty")
        tokens = max(vocabulary.values()) + 1
        if padding is not None and padding >= getattr(config, "vocab_size", padding + 1):
            return self.repository.unfit(
                f"its tokenizer fills up short texts with the number {padding}, but there are "
                f"{config.vocab_size} embeddings",
                "name a padding token that the model knows, as in tokenizer.pad_token = "
                "tokenizer.eos_token, and save_pretrained() the tokenizer into the folder",
            )
        rows = getattr(config, "vocab_size", tokens)
        if tokens > rows:
            return self.repository.unfit(
                f"its tokenizer has {tokens:,} tokens, and there are {rows:,} embeddings",
                "save_pretrained() the model's own tokenizer into that folder",
            )
        return None

    def _some_layers(self, init: EverySecondLayer) -> Checkpoint:
        """The layers of the deeper model that this one takes."""
        deeper, own = init.repository.config(), self.config(2)
        if deeper.model_type != own.model_type:
            raise ModelError(
                f"{self.name} is of the type {own.model_type} and {init.repository.name} of the "
                f"type {deeper.model_type}: its layers do not fit."
            )
        if not hasattr(own, "num_hidden_layers"):
            raise ModelError(f"{self.name}: a {own.model_type} has no list of equal layers.")
        taken = tuple(range(init.first, deeper.num_hidden_layers, 2))
        if len(taken) != own.num_hidden_layers:
            raise ModelError(
                f"{init.name} makes {len(taken)} layers, and {self.name} has "
                f"{own.num_hidden_layers}: give HubModel(..., layers={len(taken)})."
            )
        return init.repository.checkpoint(taken)
