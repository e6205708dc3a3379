"""How does the gain of label regularisation change with the amount of pre-training?

The same student starts from nothing, or from 100 to 3,000 steps of masked language modelling on
docstrings. Each dose is one pre-training with a schedule of its own, and serves all seeds; the
teacher of kd is the student after the largest. TF-reg is left out: at eight classes the paper's
setting is label smoothing with ε = .029.
"""

from dataclasses import replace

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, Base
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import Docstrings


def steps(number: int) -> MaskedLanguageModelling:
    """So much pre-training, 512 tokens a step."""
    return MaskedLanguageModelling(steps=number, batch_size=16, length=32, lr=2e-3, probability=0.3)


student = Bert(layers=2, width=128, initializer_range=0.05)
teacher = replace(student, pretraining=steps(3000))

study = Study(
    name="pretraining_dose",
    task=Docstrings(label="package", train=960, dev=320, test=1600, vocabulary=4096),
    arms=Arm.grid(
        model=student,
        init=["scratch", steps(100), steps(300), steps(1000), steps(3000)],
        method=[Base(), LS(), KD(teacher=teacher)],
    ),
    comparison=Comparison("base", ["ls", "kd"]),
    judging=Judging(margin=1.0),
    training=Training(epochs=4, batch_size=32, lr=1e-3, max_length=32),
)
