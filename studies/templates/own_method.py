"""A method of your own: does the focal loss help a small BERT?"""

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import Base, Method, Step
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import Docstrings


@dataclass(frozen=True)
class FocalLoss(Method):
    """−(1 − p_y)^γ log p_y: examples that are right already count less (Lin et al. 2017)."""

    name: ClassVar[str] = "focal_loss"
    gamma: float = 2.0  # a field: part of a run's key, and something to search over

    def loss(self, step: Step) -> Tensor:
        """Of a batch, its mean."""
        log_p = -F.cross_entropy(step.logits, step.labels, reduction="none")
        return (-((1 - log_p.exp()) ** self.gamma) * log_p).mean()


study = Study(
    name="own_method",
    task=Docstrings(label="package", train=600, dev=200, test=400),
    arms=Arm.grid(Bert(layers=2, width=64), "scratch", [Base(), FocalLoss()]),
    comparison=Comparison("base", ["focal_loss"]),
    judging=Judging(margin=1.0),  # points of accuracy that would not matter to you
    training=Training(epochs=4, batch_size=32, lr=1e-3, max_length=48),
)
