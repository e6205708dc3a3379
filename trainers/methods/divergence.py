"""How far two outputs of a model are from each other."""

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
    """KL(p_a ‖ p_b) + KL(p_b ‖ p_a): both directions, not their mean."""
    return kl(a, b) + kl(b, a)
