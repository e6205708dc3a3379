"""Does label regularisation help a student that is pre-trained, and one from scratch?

The question of arXiv 2205.12428, on English that every machine has: which package does the
summary of a docstring come from?
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, Base, SelfKD, TFReg
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import Docstrings


def bert(width: int, steps: int) -> Bert:
    """A small BERT that is pre-trained on the docstrings first."""
    pretraining = MaskedLanguageModelling(steps=steps, lr=2e-3, probability=0.3)
    return Bert(layers=2, width=width, initializer_range=0.05, pretraining=pretraining)


study = Study(
    name="pretrained_vs_scratch",
    task=Docstrings(label="package", train=1200, dev=400, test=1600, vocabulary=4096),
    arms=Arm.grid(
        model=bert(width=128, steps=800),
        init=["pretrained", "scratch"],
        method=[Base(), LS(), TFReg(), SelfKD(), KD(teacher=bert(width=192, steps=1800))],
    ),
    comparison=Comparison("base", ["ls", "tf_reg", "self_kd", "kd"]),
    judging=Judging(margin=1.0),
    training=Training(epochs=5, batch_size=32, lr=1e-3, max_length=48),
)
