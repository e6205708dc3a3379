"""Does label regularisation help more, the more classes there are?

The first hypothesis of arXiv 2205.12428, on 2, 4, 8 and 64 classes of docstrings: does a body
belong to its summary, and which kind of object, package or submodule is described? Each task has
the same number of training examples, so more classes also means fewer examples of each.
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import Docstrings

pretraining = MaskedLanguageModelling(
    steps=3000, batch_size=16, length=32, lr=2e-3, probability=0.3
)


def classes(label: str) -> Docstrings:
    """The same sizes for every label."""
    return Docstrings(label=label, train=960, dev=256, test=768, vocabulary=4096)


study = Study(
    name="number_of_classes",
    task=tuple(classes(label) for label in ("pair", "kind", "package", "submodule")),
    arms=Arm.grid(
        model=Bert(layers=2, width=128, initializer_range=0.05, pretraining=pretraining),
        init=["pretrained", "scratch"],
        method=[Base(), LS()],
    ),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=1.0),
    training=Training(epochs=4, batch_size=32, lr=1e-3, max_length=32),
)
