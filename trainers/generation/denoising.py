"""Denoising: an encoder with a decoder learns to write a corpus of which it reads a part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from trainers.errors import ModelError
from trainers.generation.writing import token_losses
from trainers.inputs.batches import Encoded, Ragged
from trainers.machine.clock import Stopwatch
from trainers.masked_language_modelling import (
    HELD_OUT,
    Pretrained,
    in_words,
    packed_blocks,
    take_steps,
)
from trainers.models import EncoderDecoder, Model, load_tokenizer
from trainers.models.generation.encoder_decoder import OwnCodec
from trainers.pretraining import Denoising
from trainers.resume.checkpoints import Keeper, without
from trainers.resume.trail import Trail
from trainers.seeding import initialising, numpy_stream, seed_dropout
from trainers.settings import Training
from trainers.steps.accumulation import GradientOfMean, micro_batches
from trainers.steps.checkpointing import checkpoint_layers
from trainers.steps.passes import forward
from trainers.tasks import Task

#: How often a place is looked for, for each token that is to be hidden.
_TRIES = 20


def pretrain(
    model: Model,
    pretraining: Denoising,
    task: Task,
    folder: Path,
    training: Training,
    on_progress: Callable[[int, float], None] = lambda step, loss: None,
    checkpoints: Keeper | None = None,
) -> Pretrained:
    """Train an encoder with a decoder on the task's corpus by writing what is hidden and all else.

    Args:
        model: the architecture.
        pretraining: how.
        task: whose corpus.
        folder: where the task was prepared.
        training: gives device, precision and threads only, and what saves memory.
        on_progress: told every hundredth of the way of the steps done and of the recent loss;
            first of those of an earlier attempt.
        checkpoints: where it is written down, and gone on from; None is nowhere.

    Raises:
        ModelError: the model is no EncoderDecoder.
        Diverged: the loss stopped being finite.
    """
    if not isinstance(model, EncoderDecoder):
        raise ModelError(f"denoising needs an EncoderDecoder, not {model.name}.")
    watch = Stopwatch(training.device)
    blocks = packed_blocks(task, folder, pretraining.length)
    held_out, blocks = blocks[::HELD_OUT], np.delete(blocks, np.s_[::HELD_OUT], axis=0)
    noise = Infilling.of(folder, pretraining)
    with initialising(pretraining.seed):
        module = model.module(task, folder)
    module.to(training.device)
    if training.gradient_checkpointing:
        checkpoint_layers(module)
    trail = Trail(module, SimpleNamespace(), watch, checkpoints or without(), in_words)
    for report in trail.at.reports:
        on_progress(report.number, report.loss)

    def gradient(rows: NDArray[np.int64], step: int) -> Tensor:
        noised = noise.apply(blocks[rows], numpy_stream(pretraining.seed, "noise", step))
        return _gradient(module, noised, training, pretraining.seed, step)

    take_steps(module, len(blocks), gradient, pretraining, trail, on_progress)
    draws = numpy_stream(pretraining.seed, "held-out")
    loss = _loss(module, noise.apply(held_out, draws), training, trail.offer)
    tokens = pretraining.steps * pretraining.batch_size * pretraining.length
    return Pretrained(module, loss, tokens, watch.stop())


@dataclass(frozen=True)
class Infilling:
    """Text infilling: spans, each behind one [MASK].

    Attributes:
        codec: whose marks are kept.
        mask: number of [MASK].
        probability: share of the tokens that are hidden.
        span: mean length of what one [MASK] hides; of length 0 it hides nothing, and stands where
            nothing was.
    """

    codec: OwnCodec
    mask: int
    probability: float
    span: float

    @classmethod
    def of(cls, folder: Path, pretraining: Denoising) -> Infilling:
        """As declared, over the vocabulary of a task."""
        tokenizer = load_tokenizer(folder)
        mask = tokenizer.token_to_id("[MASK]")
        return cls(OwnCodec(tokenizer), mask, pretraining.probability, pretraining.span)

    def apply(self, blocks: NDArray[np.int64], draws: np.random.Generator) -> Encoded:
        """What the encoder reads of some blocks, shape (b, L), and the blocks as targets."""
        marks, ids = self.codec.marks, np.arange(len(blocks))
        read = [self.noised(block.tolist(), draws) for block in blocks]
        rows = blocks[:, 1:].tolist()  # [CLS] is what the decoder starts from
        ragged = {
            "input_ids": Ragged.of(read),
            "decoder_input_ids": Ragged.of([[marks.start, *row] for row in rows]),
        }
        targets = Ragged.of([[*row, marks.end] for row in rows])
        padding = dict.fromkeys(ragged, marks.padding)
        return Encoded(ids, np.zeros_like(ids), ragged, padding, targets=targets)

    def noised(self, block: list[int], draws: np.random.Generator) -> list[int]:
        """A block, its first token kept, with spans hidden that have the share asked for."""
        wanted = round(self.probability * (len(block) - 1))
        hidden = np.zeros(len(block), bool)
        starts: set[int] = set()
        tries = _TRIES * wanted  # a block that is nearly full has no room for long ones
        while wanted > 0 and tries > 0:
            tries -= 1
            length = min(int(draws.poisson(self.span)), wanted)
            start = int(draws.integers(1, len(block) - length + 1))
            near = not starts.isdisjoint(range(start, start + length + 1))
            if near or hidden[start - 1 : start + length + 1].any():
                continue
            hidden[start : start + length] = True
            starts.add(start)
            wanted -= max(length, 1)
        found: list[int] = []
        for i, token in enumerate(block):
            if i in starts:
                found.append(self.mask)
            if not hidden[i]:
                found.append(token)
        return found


def _gradient(
    module: nn.Module, noised: Encoded, training: Training, seed: int, step: int
) -> Tensor:
    """Leave the gradient of a step in the parameters, and return its loss, detached.

    Every block has as many tokens, so that a micro-batch weighs what it has of the blocks.
    """
    gradient, losses = GradientOfMean(module, len(noised)), []
    for i, rows in enumerate(micro_batches(len(noised), training.accumulate)):
        part = np.arange(len(noised))[rows]
        batch = noised.batch(part, torch.device(training.device))
        seed_dropout(seed, step, i)
        gradient.before(len(part))
        loss = F.cross_entropy(forward(module, batch.inputs, training), batch.labels)
        loss.backward()
        losses.append(loss.detach() * (len(part) / len(noised)))
    gradient.done()
    return torch.stack(losses).sum()


def _loss(
    module: nn.Module, noised: Encoded, training: Training, between: Callable[[], None]
) -> float:
    """Of a token of some blocks, in nats."""
    nll, tokens = token_losses(module, noised, training, between)
    return float(nll.sum() / tokens.sum())
