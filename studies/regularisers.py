"""Which regularisers of the fine-tuning literature help a student, pre-trained and from scratch?

Every method at its defaults; SMART also with its noise alone and with an ascent that follows the
gradient. Eight pairs never reach .05 by ranks in a family of more than six: t supposes that
differences between seeds are roughly normal, and can.
"""

from benchmark import Arm, Comparison, Judging, Study
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
METHODS = [m.LS(), m.TFReg(), m.ConfidencePenalty(), m.SelfKD(), m.KD(teacher=TEACHER)]
METHODS += [m.AnnealingKD(teacher=TEACHER), m.R3F(), m.R4F(), m.RDrop(), m.SMART(), m.FreeLB()]
METHODS += [m.NEFTune(), m.Mixout(), m.LLRD(), m.Reinit(), m.L2SP(), m.BitFit()]
ASCENT = m.SMART(ascent="paper", epsilon=1.0, eta=0.5, steps=3)
SMARTS = {"smart_noise": m.SMART(steps=0), "smart_ascent": ASCENT}
INITS = ("pretrained", "scratch")

study = Study(
    name="regularisers",
    task=Docstrings(label="package", train=600, dev=400, test=1600, vocabulary=4096),
    arms=(
        *Arm.grid(STUDENT, INITS, [m.Base(), *METHODS]),
        *(Arm(STUDENT, init, smart, name) for name, smart in SMARTS.items() for init in INITS),
    ),
    comparison=Comparison("base", [*(method.name for method in METHODS), *SMARTS]),
    judging=Judging(margin=1.0, test="t"),
    training=Training(epochs=4, batch_size=32, lr=2e-3, max_length=48),
)
