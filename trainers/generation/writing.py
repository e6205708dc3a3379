"""What a model writes of each example, and how likely the references' tokens are to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from trainers.inputs.batches import Encoded, evaluation_order
from trainers.models.codec import TextCodec
from trainers.models.generation.pairs import prompts
from trainers.seeding import stream_seed
from trainers.settings import Training
from trainers.steps.passes import forward
from trainers.tasks import Decoding

#: Raised when the same weights would write otherwise.
REVISION = 1

#: Examples at once: of a search each takes several rows.
_BATCH = 64


@torch.inference_mode()
def write(
    model: Any,
    examples: Encoded,
    codec: TextCodec,
    decoding: Decoding,
    training: Training,
    seed: int,
    between: Callable[[], None] = lambda: None,
) -> list[list[str]]:
    """Texts of a model in evaluation mode: a list for each draw, in the order of the examples.

    It writes in float32 under whatever precision it was trained. What is drawn comes from a stream
    of the seed's own, so that all arms have the same luck, and no other stream is moved.

    Args:
        model: of transformers.
        examples: whose sources are read.
        codec: reads and writes for the model.
        decoding: how it writes.
        training: says on which device.
        seed: of the run.
        between: called after each batch.
    """
    model.eval()
    read = prompts(examples)
    lengths = np.array([len(row) for row in read])
    found: list[list[str]] = []
    for draw in range(decoding.texts):
        rows: list[list[int]] = [[] for _ in read]
        with torch.random.fork_rng(devices=_devices(training)):
            torch.manual_seed(stream_seed(seed, "sampling", draw))
            for places in evaluation_order(lengths, max(1, _BATCH // decoding.beams)):
                written = _generated(model, [read[i] for i in places], codec, decoding, training)
                for i, row in zip(places.tolist(), written, strict=True):
                    rows[i] = row
                between()
        found.append(codec.texts(rows))
    return found


def _devices(training: Training) -> list[int]:
    return [torch.cuda.current_device()] if training.device == "cuda" else []


def _generated(
    model: Any, read: list[list[int]], codec: TextCodec, decoding: Decoding, training: Training
) -> list[list[int]]:
    """Tokens that are written behind some sources, up to the first end."""
    from transformers import GenerationConfig

    marks, width = codec.marks, max(map(len, read))
    ids = torch.full((len(read), width), marks.padding)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(read):
        # A decoder alone goes on behind the last token, so that its padding stands in front.
        place = slice(0, len(row)) if codec.has_encoder else slice(width - len(row), width)
        ids[i, place], mask[i, place] = torch.tensor(row), 1
    drawn: dict[str, Any] = {}
    if decoding.draws:
        drawn = {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}
    asked = GenerationConfig(
        max_new_tokens=decoding.longest,
        num_beams=decoding.beams,
        early_stopping=decoding.beams > 1,
        length_penalty=decoding.length_penalty,
        no_repeat_ngram_size=decoding.no_repeat,
        do_sample=bool(decoding.draws),
        pad_token_id=marks.padding,
        bos_token_id=marks.start,
        eos_token_id=marks.end,
        suppress_tokens=[marks.padding] if marks.padding != marks.end else None,
        decoder_start_token_id=marks.start if codec.has_encoder else None,
        **drawn,
    )
    inputs = {"input_ids": ids.to(training.device), "attention_mask": mask.to(training.device)}
    with _asking(model, asked):
        written = model.generate(**inputs).cpu().numpy()
    begins = 1 if codec.has_encoder else width
    return [_until(row[begins:].tolist(), marks.end) for row in written]


@contextmanager
def _asking(model: Any, asked: Any) -> Iterator[None]:
    """Without what a model's own folder says of how it writes, which else fills gaps."""
    own = model.generation_config
    model.generation_config = asked
    try:
        yield
    finally:
        model.generation_config = own


def _until(row: list[int], end: int) -> list[int]:
    return row[: row.index(end)] if end in row else row


@torch.inference_mode()
def token_losses(
    model: nn.Module,
    examples: Encoded,
    training: Training,
    between: Callable[[], None] = lambda: None,
    rows: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """−log p of the tokens of each reference: their sum, and how many they are; shape (n,) each.

    Args:
        model: in evaluation mode afterwards.
        examples: with their targets.
        training: device and precision.
        between: called after each batch.
        rows: n of the examples, in their order; None is all of them.
    """
    assert examples.targets is not None
    model.eval()
    asked = np.arange(len(examples)) if rows is None else rows
    sums = np.zeros(len(asked))
    device = torch.device(training.device)
    for places in evaluation_order(examples.lengths[asked], _BATCH):
        batch = examples.batch(asked[places], device)
        assert batch.counts is not None
        logits = forward(model, batch.inputs, training)
        losses = F.cross_entropy(logits, batch.labels, reduction="none").double().cpu().numpy()
        sums[places] = np.add.reduceat(losses, np.cumsum(batch.counts) - batch.counts)
        between()
    return sums, examples.targets.lengths[asked]
