"""A residual network small enough for small images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from trainers.errors import ModelError
from trainers.inputs.batches import Encoded
from trainers.models.model import Model
from trainers.models.stem import make_stem_small
from trainers.tasks import Examples, Task


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
        """A `ResNetForImageClassification` whose stem keeps the size of small images."""
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
        make_stem_small(module)
        return module  # type: ignore[no-any-return]

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
        dense, black = {"pixel_values": pixels}, {"pixel_values": -1}
        return Encoded(examples.ids, examples.labels, dense=dense, padding=black)
