"""How far two outputs of a model are from each other."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def kl(a: Tensor, b: Tensor) -> Tensor:
    """KL(p_a ‖ p_b) of two tables of logits, averaged over the batch.

    >>> import torch
    >>> a, b = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 1.0986123]])  # 1/2 1/2, 1/4 3/4
    >>> round(kl(a, b).item(), 4), round(kl(b, a).item(), 4)
    (0.1438, 0.1308)
    """
    return F.kl_div(b.log_softmax(-1), a.log_softmax(-1), reduction="batchmean", log_target=True)


def symmetric_kl(a: Tensor, b: Tensor) -> Tensor:
    """KL(p_a ‖ p_b) + KL(p_b ‖ p_a), averaged over the batch: both directions, not their mean.

    It is Σ (p_a − p_b)(log p_a − log p_b), which has no first-order terms to cancel: of logits
    that differ by 1e-5 it is right to some per cent in float32, where the sum of the two
    directions has no digit right.

    >>> import torch
    >>> a = torch.tensor([[0.0, 1.0]])
    >>> print(f"{symmetric_kl(a, a + torch.tensor([[1e-5, 0.0]])).item():.1e}")
    2.0e-11
    """
    log_a, log_b = a.log_softmax(-1), b.log_softmax(-1)
    return ((log_a.exp() - log_b.exp()) * (log_a - log_b)).sum(-1).mean()
