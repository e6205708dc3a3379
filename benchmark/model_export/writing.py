"""From the weights that a run left to a folder that others load, and what that folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import TypeVar

import numpy as np
import torch
from safetensors.torch import load_model
from torch import nn

from benchmark.errors import BenchmarkError
from benchmark.execute.attempt.conditions import make_repeatable
from benchmark.model_export.agreement import Agreement, Logits
from benchmark.runs.kinds import TrainRun
from benchmark.store.cache import Cache
from trainers.inputs.batches import Encoded
from trainers.models import WEIGHTS
from trainers.models.stored.classifier_folder import load_classifier, save_classifier
from trainers.models.text import read_otherwise
from trainers.returned import check_returned
from trainers.sizes import PassFlops, Size, forward_flops
from trainers.steps.predicting import predict
from trainers.tasks import Split

#: Letters of an error that are enough to see what it is about.
_DETAIL = 200
Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class ExportedModel:
    """What was written of a model.

    Attributes:
        bytes: of its weights on disk.
        size: its weights, counted.
        flops: of a pass over one example.
        example: which one, in words.
        unlike: why transformers cannot load it; empty where it can.
        has_reader: whether a tokenizer or an image processor is beside it.
        read_otherwise: of how many texts of test that tokenizer makes other numbers than the run
            has read.
        agreement: of what it says with what is recorded.
    """

    bytes: int
    size: Size
    flops: PassFlops
    example: str
    unlike: str
    has_reader: bool
    read_otherwise: int
    agreement: Agreement


def write_model(
    run: TrainRun, cache: Cache, recorded: Mapping[Split, Logits], folder: Path
) -> ExportedModel:
    """Write the model of a run, load it from there, and ask it what the run was asked.

    Args:
        run: whose weights and prepared data are in the cache.
        cache: holds them.
        recorded: its logits by split.
        folder: empty.

    Raises:
        BenchmarkError: the weights are not those of the model.
    """
    make_repeatable(run.training)
    data = cache.path("data", run.needs["data"].key)
    built = run.model.build(run.task, data, run.seed)
    check_returned(run.model, "build", built, nn.Module)
    module = _filled(built, cache.path("weights", run.key), run)
    size = Size.of(module)
    unlike = save_classifier(module, run.task.classes, folder)
    has_reader = run.model.save_reader(data, run.training.max_length, folder)
    loaded = _filled(module, folder, run) if unlike else run.model.finish(load_classifier(folder))
    examples = {split: run.task.load(split, data, run.seed) for split in recorded}
    length = run.training.max_length
    read = {split: run.model.encode(each, data, length) for split, each in examples.items()}
    loaded.to(run.training.device)
    said = {split: predict(loaded, each, run.training) for split, each in read.items()}
    texts = has_reader and run.task.reads == "text"
    flops, example = _of_one(run, loaded.cpu(), read["test"])
    return ExportedModel(
        bytes=sum(file.stat().st_size for file in folder.glob("*.safetensors")),
        size=size,
        flops=flops,
        example=example,
        unlike=unlike,
        has_reader=has_reader,
        read_otherwise=read_otherwise(folder, examples["test"], read["test"]) if texts else 0,
        agreement=Agreement.of(said, recorded),
    )


def _filled(module: Module, folder: Path, run: TrainRun) -> Module:
    """A module with the weights in a folder."""
    try:
        load_model(module, str(folder / WEIGHTS))
    except RuntimeError as error:
        detail = shorten(str(error), _DETAIL, placeholder=" …")
        raise BenchmarkError(
            f"the weights that {run.name} left are not those of {run.model.name} ({detail}): let "
            f"finish() of {type(run.method).__name__} return a model as {run.model.name} builds it."
        ) from error
    return module


def _of_one(run: TrainRun, model: nn.Module, examples: Encoded) -> tuple[PassFlops, str]:
    """What a pass over the longest example takes, and which one that is."""
    longest = int(examples.lengths.argmax())
    one = examples.batch(np.array([longest]), torch.device("cpu"))
    told = f"the longest text of test, {examples.lengths[longest]} tokens"
    return forward_flops(model, one.inputs), "an image" if run.task.reads == "images" else told
