"""Which regularisers of the fine-tuning literature help a student, pre-trained and from scratch?

Every method at its defaults against base, on English that every machine has: which package does the
summary of a docstring come from? What each arm cost stands below the verdicts.

SMART stands there three times, to tell what its gain is of: as its authors published it, where the
perturbation is noise for the most part; with that noise alone; and with an ascent that follows the
gradient as far as the published perturbation goes.

Holm corrects over the methods of one init. Eight pairs can never reach .05 by an exact rank or
permutation test in a family of more than six (seven times 2/2⁸ is .055), so the test declared is
the paired t test: it supposes that differences between seeds are roughly normal, and can.
"""

from benchmark import Analysis, Arm, Comparison, Study
from trainers import methods as m
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import Docstrings

PRETRAINING = MaskedLanguageModelling(steps=800, lr=2e-3, probability=0.3)
STUDENT, TEACHER = (
    Bert(layers=2, width=width, initializer_range=0.05, pretraining=PRETRAINING)
    for width in (64, 128)
)
METHODS = [
    *(m.LS(), m.TFReg(), m.ConfidencePenalty(), m.SelfKD()),
    *(m.KD(teacher=TEACHER), m.AnnealingKD(teacher=TEACHER)),
    *(m.R3F(), m.R4F(), m.RDrop(), m.SMART(), m.FreeLB(), m.NEFTune()),
    *(m.Mixout(), m.LLRD(), m.Reinit(), m.L2SP(), m.BitFit()),
]

SMARTS = {
    "smart_noise": m.SMART(steps=0),
    "smart_ascent": m.SMART(ascent="paper", epsilon=1.0, eta=0.5, steps=3),
}
INITS = ("pretrained", "scratch")

study = Study(
    name="regularisers",
    task=Docstrings(label="package", train=600, dev=400, test=1600, vocabulary=4096),
    arms=(
        *Arm.grid(STUDENT, INITS, [m.Base(), *METHODS]),
        *(Arm(STUDENT, init, smart, name) for name, smart in SMARTS.items() for init in INITS),
    ),
    comparison=Comparison("base", [*(method.name for method in METHODS), *SMARTS]),
    margin=1.0,
    training=Training(epochs=4, batch_size=32, lr=2e-3, max_length=48),
    analysis=Analysis(test="t"),
)
