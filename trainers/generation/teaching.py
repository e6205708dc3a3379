"""What a teacher says of the tokens of a training set, and what it writes in their place."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from trainers.inputs.batches import Encoded, evaluation_order
from trainers.methods.targets.distillation import and_the_rest
from trainers.settings import Training
from trainers.steps.passes import forward
from trainers.teacher import TeacherTokens

#: Tokens of which a teacher's probabilities are kept, the most likely ones; all others are one.
#: Whoever changes it raises the revision of trainers/generation/writing.py, which is in the keys.
KEPT = 32
_BATCH = 64


@torch.inference_mode()
def token_distributions(model: nn.Module, examples: Encoded, training: Training) -> TeacherTokens:
    """What a model says of each token of the targets, in evaluation mode.

    Args:
        model: the teacher.
        examples: what its students learn from.
        training: device and precision.
    """
    assert examples.targets is not None
    model.eval()
    device, order = torch.device(training.device), np.argsort(examples.ids, kind="stable")
    lengths = examples.targets.lengths[order]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens: list[np.ndarray] = [np.zeros(0)] * len(order)
    logits: list[np.ndarray] = [np.zeros(0)] * len(order)
    for places in evaluation_order(examples.lengths[order], _BATCH):
        batch = examples.batch(order[places], device)
        assert batch.counts is not None
        top, said = kept(forward(model, batch.inputs, training))
        ends = np.cumsum(batch.counts)[:-1]
        for i, own_top, own in zip(
            places.tolist(),
            np.split(top.cpu().numpy(), ends),
            np.split(said.cpu().numpy(), ends),
            strict=True,
        ):
            tokens[i], logits[i] = own_top, own
    return TeacherTokens(
        examples.ids[order],
        offsets,
        np.concatenate(tokens).astype(np.int32),
        np.concatenate(logits).astype(np.float32),
    )


def kept(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The most likely tokens, shape (m, k), and log p of them and of all others, (m, k + 1)."""
    k = min(KEPT, logits.shape[-1] - 1)
    top = logits.topk(k, -1).indices
    return top, and_the_rest(logits, top)
