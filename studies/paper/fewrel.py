"""Table 5 of arXiv 2205.12428: does label regularisation help where there are 64 classes?

FewRel's 64 training relations, split anew by every seed into 500, 100 and 100 examples of each;
the text is the sentence, then head and tail. Settings are those of Table 12; what the paper leaves
open is named below. Five pairs can never reach .05 by ranks, so that the test is the paired t.
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, Base, Teacher, TFReg
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import FewRel

# A teacher for each seed: every seed has a training set of its own, and the paper prints a spread.
teacher = Teacher(HubModel("FacebookAI/roberta-base"), seed=None)

study = Study(
    name="fewrel",
    task=FewRel(form="concatenation"),
    arms=Arm.grid(
        model=HubModel("distilbert/distilroberta-base"),
        init="pretrained",
        method=[
            Base(),
            LS(epsilon=0.1),
            TFReg(alpha=0.5, a=0.95, variant="paper"),  # equations 4 and 5, not Yuan et al.'s code
            KD(alpha=0.5, tau=1, teacher=teacher),
        ],
    ),
    comparison=Comparison("base", ["ls", "tf_reg", "kd"]),
    judging=Judging(margin=1.0, test="t"),  # the paper declares none
    seeds=(42, 549, 1237, 230, 805),
    training=Training(
        epochs=30,
        batch_size=32,
        lr=1.5e-5,
        schedule="linear",  # open in the paper, like all that follow
        warmup=0.0,
        weight_decay=0.0,
        clip=1.0,
        max_length=128,
        select="best",
    ),
)
