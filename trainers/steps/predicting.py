"""What a model says of many examples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from trainers.inputs.batches import Encoded, evaluation_order
from trainers.settings import Training
from trainers.steps.passes import forward

_EVALUATION_BATCH = 256


@torch.inference_mode()
def predict(
    model: nn.Module,
    examples: Encoded,
    training: Training,
    between: Callable[[], None] = lambda: None,
    rows: NDArray[np.int64] | None = None,
) -> NDArray[np.float32]:
    """Logits in evaluation mode, shape (n, K), in the order of the examples.

    Args:
        model: what is asked.
        examples: of what.
        training: device and precision.
        between: called after each batch.
        rows: n of the examples, in their order; None is all of them.
    """
    model.eval()
    device = torch.device(training.device)
    asked = np.arange(len(examples)) if rows is None else rows
    order, logits = [*evaluation_order(examples.lengths[asked], _EVALUATION_BATCH)], []
    for places in order:
        logits.append(forward(model, examples.batch(asked[places], device).inputs, training))
        between()
    ordered = np.empty((len(asked), logits[0].shape[1]), np.float32)
    ordered[np.concatenate(order)] = torch.cat(logits).cpu().numpy()
    return ordered
