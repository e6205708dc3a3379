"""Tables 4 and 8 of arXiv 2205.12428 with real weights, in a size that a CPU trains.

The student is every second layer of all-MiniLM-L6-v2, or three such layers from scratch; the
teacher is all six, fine-tuned once. Methods as in the paper, α = .9 for KD and TF-reg from scratch
(Table 9); but 960 sentences in place of 8,544, ten times its rate, and in place of 30 epochs 4, or
from scratch 8: after 4 such a student has learned next to nothing.
"""

from dataclasses import replace

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, Base, SelfKD, Teacher, TFReg
from trainers.models import HubModel, every_second_layer
from trainers.settings import Training
from trainers.tasks import Part, sst5

WEIGHTS = "sentence-transformers/all-MiniLM-L6-v2"
training = Training(
    epochs=4, batch_size=32, lr=2e-4, warmup=0.06, weight_decay=0.01, clip=1.0, max_length=32
)
student = HubModel(WEIGHTS, layers=3)
teacher = Teacher(HubModel(WEIGHTS), "pretrained", training=training)


def methods(alpha: float) -> list:
    """What both inits are trained by."""
    return [Base(), LS(), TFReg(alpha=alpha), SelfKD(), KD(alpha=alpha, teacher=teacher)]


study = Study(
    name="minilm_sst5",
    task=replace(
        sst5(),
        train=Part("train", 960),
        dev=Part("validation", 200),
        test=Part("test", 1000),
    ),
    arms=(
        *Arm.grid(student, every_second_layer(WEIGHTS), methods(alpha=0.5)),
        *Arm.grid(student, "scratch", methods(alpha=0.9), training=replace(training, epochs=8)),
    ),
    comparison=Comparison("base", ["ls", "tf_reg", "self_kd", "kd"]),
    judging=Judging(margin=1.0),  # the paper declares none
    training=training,
)
