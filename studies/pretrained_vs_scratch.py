"""Does label regularisation help a student that is pre-trained, and one from scratch?

The question of arXiv 2205.12428, on English that every machine has: which package does a
docstring come from?
"""

from benchmark import Arm, Comparison, Study
from trainers.methods import KD, LS, Base, SelfKD, TFReg
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks.docstrings import Docstrings

student = Bert(layers=2, width=128, pretraining=MaskedLanguageModelling(steps=2000))
teacher = Bert(layers=4, width=192, pretraining=MaskedLanguageModelling(steps=2000))

study = Study(
    name="pretrained_vs_scratch",
    task=Docstrings(label="package"),
    arms=Arm.grid(
        model=student,
        init=["pretrained", "scratch"],
        method=[Base(), LS(), TFReg(), SelfKD(), KD(teacher=teacher)],
    ),
    comparison=Comparison("base", ["ls", "tf_reg", "self_kd", "kd"]),
    margin=1.0,
    training=Training(epochs=6, lr=1e-3, max_length=64),
)
