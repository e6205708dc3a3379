"""Masked language modelling: a body learns to predict hidden tokens of a corpus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW

from trainers.errors import Diverged, ModelError
from trainers.machine.clock import Spent, Stopwatch
from trainers.models import Bert, Model, load_tokenizer
from trainers.packed.models import Encoder
from trainers.packed.rows import TokenRows, filled_up
from trainers.pretraining import Denoising, MaskedLanguageModelling
from trainers.resume.checkpoints import Keeper, without
from trainers.resume.position import Epoch, Position
from trainers.resume.trail import Trail
from trainers.schedules import warm_up_then_fall
from trainers.seeding import initialising, numpy_stream, seed_dropout
from trainers.settings import Training
from trainers.steps.accumulation import GradientOfMean, micro_batches
from trainers.steps.checkpointing import checkpoint_layers, layers_run_again
from trainers.steps.learner import Learner
from trainers.steps.optimiser import decay_groups
from trainers.tasks import Task

#: RoBERTa's (Liu et al. 2019): a shorter memory of squared gradients suits a short pre-training.
_BETAS = (0.9, 0.98)
#: One block in this many is held out, to see whether the model learns the language or the text.
HELD_OUT = 50


@dataclass(frozen=True)
class Pretrained:
    """A finished pre-training run.

    Attributes:
        model: the body, without a head.
        loss: on the held-out blocks, in nats a masked token.
        tokens: tokens seen in training.
        spent: in training.
    """

    model: nn.Module
    loss: float
    tokens: int
    spent: Spent


def pretrain(
    model: Model,
    pretraining: MaskedLanguageModelling,
    task: Task,
    folder: Path,
    training: Training,
    on_progress: Callable[[int, float], None] = lambda step, loss: None,
    checkpoints: Keeper | None = None,
) -> Pretrained:
    """Train a body on the task's corpus by predicting masked tokens.

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
        ModelError: the model is no BERT.
        Diverged: the loss stopped being finite.
    """
    from transformers import BertForMaskedLM

    if not isinstance(model, Bert):
        raise ModelError(f"masked language modelling needs a Bert, not {model.name}.")
    watch = Stopwatch(training.device)
    blocks = packed_blocks(task, folder, pretraining.length)
    held_out, blocks = blocks[::HELD_OUT], np.delete(blocks, np.s_[::HELD_OUT], axis=0)
    masking = _Masking.of(folder, pretraining.probability)
    with initialising(pretraining.seed):
        module: Any = BertForMaskedLM(model.config(masking.vocabulary, 2))
    module.to(training.device)
    if training.gradient_checkpointing:
        checkpoint_layers(module)
    trail = Trail(module, SimpleNamespace(), watch, checkpoints or without(), in_words)
    for report in trail.at.reports:
        on_progress(report.number, report.loss)

    def gradient(rows: NDArray[np.int64], step: int) -> Tensor:
        masked = masking.apply(blocks[rows], numpy_stream(pretraining.seed, "masking", step))
        return _gradient(module, masked, training, pretraining.seed, step)

    take_steps(module, len(blocks), gradient, pretraining, trail, on_progress)
    final = _held_out_loss(module, masking, held_out, pretraining, training, trail.offer)
    tokens = pretraining.steps * pretraining.batch_size * pretraining.length
    return Pretrained(module.bert, final, tokens, watch.stop())


def take_steps(
    module: nn.Module,
    blocks: int,
    gradient: Callable[[NDArray[np.int64], int], Tensor],
    pretraining: MaskedLanguageModelling | Denoising,
    trail: Trail,
    on_progress: Callable[[int, float], None],
) -> None:
    """The steps of a pre-training that are still to be taken.

    Every hundredth of all of them is an epoch.

    Args:
        module: what is trained.
        blocks: how many there are to learn from.
        gradient: leaves the gradient of some blocks at a step in the parameters, and returns the
            loss, detached.
        pretraining: how.
        trail: how far it has come.
        on_progress: told of every epoch.
    """
    groups = decay_groups(module, pretraining.weight_decay)
    optimiser = AdamW(groups, lr=pretraining.lr, betas=_BETAS, fused=True)
    steps, at = pretraining.steps, trail.at
    factor = warm_up_then_fall(steps, pretraining.warmup)
    learner = Learner(module, optimiser, factor, steps)
    trail.learn_with(learner)
    if not at.steps:
        module.train()
    for rows in _block_order(blocks, pretraining)[at.steps :]:
        loss = gradient(rows, at.steps)
        learner.step(1.0)
        at.take_step(loss, len(rows))
        over = at.steps % max(1, steps // 100) == 0
        if over:
            recent = float(torch.stack(at.losses).mean())
            if not np.isfinite(recent):
                raise Diverged(f"pre-training reached the loss {recent}; lower its lr.")
            on_progress(at.steps, recent)
            at.end_epoch(Epoch(at.steps, recent, {}))
        trail.offer(at_end=over)


def in_words(at: Position) -> str:
    """How far a pre-training has come."""
    return f"step {at.steps}"


def packed_blocks(task: Task, folder: Path, length: int) -> NDArray[np.int64]:
    """The corpus as blocks of token numbers, shape (blocks, length).

    Every block starts with [CLS]; documents end with [SEP].

    Raises:
        ModelError: the corpus is too small for that length.
    """
    tokenizer = load_tokenizer(folder)
    tokenizer.no_truncation()
    separator = tokenizer.token_to_id("[SEP]")
    stream: list[int] = []
    for encoding in tokenizer.encode_batch(list(task.corpus(folder)), add_special_tokens=False):
        stream += encoding.ids
        stream.append(separator)
    rows = len(stream) // (length - 1)
    if rows < 2 * HELD_OUT:
        raise ModelError(
            f"the corpus of {task.name} has only {len(stream)} tokens: too few to pre-train on."
        )
    blocks = np.asarray(stream[: rows * (length - 1)], np.int64).reshape(rows, length - 1)
    return np.insert(blocks, 0, tokenizer.token_to_id("[CLS]"), axis=1)


def _gradient(
    module: nn.Module,
    blocks: tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]],
    training: Training,
    seed: int,
    step: int,
) -> Tensor:
    """Leave the gradient of a step in the parameters, and return its loss, detached.

    The loss is a mean over the chosen positions, so that a micro-batch weighs what it has of them.
    """
    masked, chosen, original = blocks
    whole = max(int(chosen.sum()), 1)
    gradient, losses = GradientOfMean(module, whole), []
    for i, rows in enumerate(micro_batches(len(chosen), training.accumulate)):
        size = int(chosen[rows].sum())
        if not size and chosen.any():
            continue
        seed_dropout(seed, step, i)
        gradient.before(size)
        loss = masked_loss(module, masked[rows], chosen[rows], original[rows], training)
        loss.backward()
        losses.append(loss.detach() * (size / whole))
    gradient.done()
    return torch.stack(losses).sum()


@dataclass(frozen=True)
class _Masking:
    """Which positions are hidden, and behind what."""

    mask: int
    special: NDArray[np.int64]
    vocabulary: int
    probability: float

    @classmethod
    def of(cls, folder: Path, probability: float) -> _Masking:
        tokenizer = load_tokenizer(folder)
        names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
        special = np.array([tokenizer.token_to_id(name) for name in names])
        return cls(special[-1], special, tokenizer.get_vocab_size(), probability)

    def apply(
        self, blocks: NDArray[np.int64], draws: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
        """Masked blocks, the positions chosen, and the blocks themselves."""
        chosen = (draws.random(blocks.shape) < self.probability) & ~np.isin(blocks, self.special)
        fate = draws.random(blocks.shape)
        masked = np.where(chosen & (fate < 0.8), self.mask, blocks)
        other = draws.integers(0, self.vocabulary, blocks.shape)
        masked = np.where(chosen & (fate >= 0.9), other, masked)
        return masked, chosen, blocks


def masked_loss(
    module: Any,
    masked: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    blocks: NDArray[np.int64],
    training: Training,
) -> Tensor:
    """Mean cross-entropy of the chosen positions; the others never reach the vocabulary."""
    device = torch.device(training.device)
    positions = torch.from_numpy(np.flatnonzero(chosen)).to(device)
    targets = torch.from_numpy(blocks[chosen]).to(device)
    with (
        torch.autocast(training.device, dtype=torch.bfloat16, enabled=training.precision == "bf16"),
        layers_run_again(module, own_weights=True),
    ):
        hidden = _hidden(module.bert, torch.from_numpy(masked).to(device), positions)
        logits = module.cls(hidden)[: len(targets)]
    return F.cross_entropy(logits.float(), targets)


def _hidden(body: Any, blocks: Tensor, positions: Tensor) -> Tensor:
    """What the last layer says at some positions of blocks, shape (m, d); rows may follow."""
    encoder = Encoder.of(body)
    if encoder is None:
        hidden: Tensor = body(blocks).last_hidden_state
        return hidden.flatten(0, 1).index_select(0, positions)
    chosen = torch.zeros(blocks.shape, dtype=torch.bool)
    chosen.view(-1)[positions] = True
    rows, wanted = TokenRows.all(*blocks.shape), TokenRows.chosen(chosen)
    return encoder({"input_ids": blocks}, rows, wanted, filled_up(positions))


def _block_order(
    blocks: int, pretraining: MaskedLanguageModelling | Denoising
) -> list[NDArray[np.int64]]:
    """TokenRows of each step: the corpus reshuffled whenever it is used up."""
    needed = pretraining.steps * pretraining.batch_size
    passes = [
        numpy_stream(pretraining.seed, "order", i).permutation(blocks)
        for i in range(-(-needed // blocks))
    ]
    return np.split(np.concatenate(passes)[:needed], pretraining.steps)


@torch.inference_mode()
def _held_out_loss(
    module: Any,
    masking: _Masking,
    blocks: NDArray[np.int64],
    pretraining: MaskedLanguageModelling,
    training: Training,
    between: Callable[[], None],
) -> float:
    module.eval()
    masked, chosen, blocks = masking.apply(blocks, numpy_stream(pretraining.seed, "held-out"))
    sizes, losses = [], []
    for rows in np.array_split(np.arange(len(blocks)), -(-len(blocks) // 64)):
        losses.append(
            float(masked_loss(module, masked[rows], chosen[rows], blocks[rows], training))
        )
        sizes.append(int(chosen[rows].sum()))
        between()
    return float(np.average(losses, weights=sizes))
