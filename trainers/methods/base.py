"""Plain fine-tuning."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from trainers.methods.method import Method, Step


@dataclass(frozen=True)
class Base(Method):
    """Cross-entropy with the hard label: −log p(y). Cost 1."""

    name: ClassVar[str] = "base"

    def loss(self, step: Step) -> Tensor:
        """−log p(y), averaged over the batch."""
        return F.cross_entropy(step.logits, step.labels)
