"""Does pruning while fine-tuning overfit, and does progressive distillation cure it?

After Huang et al. 2022. Dense `base` is the teacher of the pruned arms that have one, each seed its
own. All arms train for as many epochs; what SPD costs beyond that stands in the report. Sparsity is
swept, so that each method reads as a curve: the largest sparsity at which it is still as good as
the dense model within the margin is a part of the answer.
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers import methods as m
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import Docstrings

MODEL = Bert(
    layers=4,
    width=64,
    initializer_range=0.05,
    pretraining=MaskedLanguageModelling(steps=800, lr=2e-3, probability=0.3),
)
SPARSITIES = (0.5, 0.8, 0.9, 0.95)
DISTILLED = m.SelfKD(alpha=0.5, tau=2.0)  # movement's, from the same dense run

study = Study(
    name="pruning",
    task=Docstrings(label="package", train=600, dev=400, test=1600, vocabulary=4096),
    arms=Arm.grid(
        MODEL,
        "pretrained",
        [
            m.Base(),
            *(m.Magnitude(s) for s in SPARSITIES),
            *(m.Movement(s) for s in SPARSITIES),
            *(m.Movement(s) + DISTILLED for s in SPARSITIES),
            *(m.Theseus(s) for s in SPARSITIES),
            *(m.SPD(s) for s in SPARSITIES),
        ],
    ),
    comparison=Comparison("base", ["magnitude", "movement", "movement+self_kd", "theseus", "spd"]),
    judging=Judging(margin=2.0, test="t"),
    training=Training(epochs=12, batch_size=32, lr=2e-3, max_length=48),
)
