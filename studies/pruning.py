"""Does pruning while fine-tuning overfit, and does progressive distillation cure it?

After Huang et al. 2022. Dense `base` of each seed is the teacher of the arms that have one; all
arms train for as many epochs. Sparsity is swept, so that each method reads as a curve.
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers import methods as m
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import Docstrings

PRETRAINING = MaskedLanguageModelling(steps=800, lr=2e-3, probability=0.3)
MODEL = Bert(layers=4, width=64, initializer_range=0.05, pretraining=PRETRAINING)
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
