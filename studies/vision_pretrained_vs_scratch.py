"""Does label regularisation help a vision model that is pre-trained, and one from scratch?

Table 6 of arXiv 2205.12428 in miniature: a residual network learns the digits 5 to 9 from few
images, from scratch or after it has learned the digits 0 to 4.
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base, TFReg
from trainers.models import ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks.embedded.digits import Digits

training = Training(epochs=12, batch_size=16, lr=3e-3)
source = Supervised(task=Digits(digits=(0, 1, 2, 3, 4), train=300), training=training)

study = Study(
    name="vision_pretrained_vs_scratch",
    task=Digits(digits=(5, 6, 7, 8, 9), train=40),
    arms=Arm.grid(
        model=ResNet(widths=(16, 32), pretraining=source),
        init=["pretrained", "scratch"],
        method=[Base(), LS(), TFReg()],
    ),
    comparison=Comparison("base", ["ls", "tf_reg"]),
    judging=Judging(margin=1.0),
    training=training,
)
