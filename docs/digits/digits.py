"""The study behind the figures of docs/statistics.md: four few-shot tasks of handwritten digits.

A small residual network learns four sets of digits from 60 images each, from scratch or after it
has learned the digits 0 to 4.
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, Base, SelfKD, TFReg
from trainers.models import ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks.embedded.digits import Digits

training = Training(epochs=12, batch_size=16, lr=3e-3)
source = Supervised(task=Digits(digits=(0, 1, 2, 3, 4), train=300), training=training)
teacher = ResNet(widths=(32, 64), pretraining=source)

study = Study(
    name="digits",
    task=[
        Digits(digits=digits, train=60, dev=120, test=300)
        for digits in ((5, 6, 7, 8, 9), (5, 6, 8, 9), (6, 7, 8, 9), (5, 8, 9))
    ],
    arms=Arm.grid(
        model=ResNet(widths=(16, 32), pretraining=source),
        init=["pretrained", "scratch"],
        method=[Base(), LS(), TFReg(), SelfKD(), KD(teacher=teacher)],
    ),
    comparison=Comparison("base", ["ls", "tf_reg", "self_kd", "kd"]),
    judging=Judging(margin=1.0),
    training=training,
)
