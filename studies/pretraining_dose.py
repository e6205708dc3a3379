"""How does the gain of label regularisation change with the amount of pre-training?

The same student starts from nothing, or from 100 to 3,000 steps of masked language modelling on
docstrings; each dose is a pre-training of its own with its own schedule. TF-reg is left out: at
eight classes the paper's setting is label smoothing with ε = .029.
"""

from benchmark import Arm, Comparison, Study
from trainers.methods import KD, LS, Base, SelfKD
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import Docstrings


def steps(number: int) -> MaskedLanguageModelling:
    """So much pre-training."""
    return MaskedLanguageModelling(steps=number, lr=2e-3, probability=0.3)


large = Bert(layers=2, width=192, initializer_range=0.05, pretraining=steps(1800))

study = Study(
    name="pretraining_dose",
    task=Docstrings(label="package", train=1200, dev=400, test=1600, vocabulary=4096),
    arms=Arm.grid(
        model=Bert(layers=2, width=128, initializer_range=0.05),
        init=["scratch", steps(100), steps(300), steps(1000), steps(3000)],
        method=[Base(), LS(), SelfKD(), KD(teacher=large)],
    ),
    comparison=Comparison("base", ["ls", "self_kd", "kd"]),
    margin=1.0,
    training=Training(epochs=8, batch_size=32, lr=1e-3, max_length=48),
)
