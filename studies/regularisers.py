"""Which regularisers of the fine-tuning literature help a student, pre-trained and from scratch?

Every method at its defaults against base, on English that every machine has: which package does the
summary of a docstring come from? What each arm cost stands below the verdicts.

Holm corrects over the methods of one init. Eight pairs can never reach .05 by an exact rank or
permutation test in a family of more than six (seven times 2/2⁸ is .055), so the test declared is
the paired t test: it supposes that differences between seeds are roughly normal, and can.
"""

from benchmark import Analysis, Arm, Comparison, Study
from trainers.methods import (
    KD,
    L2SP,
    LLRD,
    LS,
    R3F,
    R4F,
    SMART,
    AnnealingKD,
    Base,
    BitFit,
    ConfidencePenalty,
    FreeLB,
    Mixout,
    NEFTune,
    RDrop,
    Reinit,
    SelfKD,
    TFReg,
)
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import Docstrings


def bert(width: int) -> Bert:
    """A small BERT that is pre-trained on the docstrings first."""
    pretraining = MaskedLanguageModelling(steps=800, lr=2e-3, probability=0.3)
    return Bert(layers=2, width=width, initializer_range=0.05, pretraining=pretraining)


TEACHER = bert(width=128)
LABELS = [LS(), TFReg(), ConfidencePenalty(), SelfKD(), KD(teacher=TEACHER)]
PHASES = [AnnealingKD(teacher=TEACHER)]
CONSISTENCY = [R3F(), R4F(), RDrop(), SMART(), FreeLB(), NEFTune()]
WEIGHTS = [Mixout(), LLRD(), Reinit(), L2SP(), BitFit()]
METHODS = [*LABELS, *PHASES, *CONSISTENCY, *WEIGHTS]

study = Study(
    name="regularisers",
    task=Docstrings(label="package", train=600, dev=400, test=1600, vocabulary=4096),
    arms=Arm.grid(
        model=bert(width=64),
        init=["pretrained", "scratch"],
        method=[Base(), *METHODS],
    ),
    comparison=Comparison("base", [method.name for method in METHODS]),
    margin=1.0,
    training=Training(epochs=4, batch_size=32, lr=2e-3, max_length=48),
    analysis=Analysis(test="t"),
)
