"""Does progressive distillation cure the overfitting of pruning? BERT-base on GLUE.

After Huang et al. 2022 (Sparse Progressive Distillation): nine tenths of the weights of every
matrix go, in eleven events over 30 epochs, and 30 more follow with the masks fixed; batch 32. The
rate is that of the authors' README, 6.4e-4. What the paper leaves open is named below. Test sets
are carved out of train, as large as dev: GLUE's own labels are hidden, but for MRPC's.
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, SPD, Base, Magnitude, Movement, Teacher, Theseus
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import glue

MODEL = HubModel("google-bert/bert-base-uncased")
# The dense model is open in the paper: three epochs as in BERT's own. Every seed has its own.
DENSE = Training(epochs=3, batch_size=32, lr=2e-5, warmup=0.1, max_length=128)
PRUNED = Training(epochs=60, batch_size=32, lr=6.4e-4, warmup=0.0, max_length=128)
# Magnitude and movement fine-tune the pre-trained weights, at rates of Sanh et al. 2020.
TUNED = Training(epochs=60, batch_size=32, lr=3e-5, warmup=0.1, max_length=128)
dense = Teacher("student", "student", Base(), DENSE, seed=None)

study = Study(
    name="spd_glue",
    task=[glue(name) for name in ("mnli", "qqp", "qnli", "sst2", "cola", "mrpc", "rte")],
    arms=(
        Arm(MODEL, "pretrained", Base()),
        *Arm.grid(
            MODEL,
            "pretrained",
            [Magnitude(0.9), Movement(0.9), Movement(0.9) + KD(alpha=0.5, tau=2, teacher=dense)],
            training=TUNED,
        ),
        *Arm.grid(
            MODEL,
            "pretrained",
            [Theseus(0.9, teacher=dense), SPD(0.9, p=0.8, teacher=dense)],
            training=PRUNED,
        ),
        Arm(MODEL, "pretrained", SPD(0.9, p=0.8, rise=1 / 3, teacher=dense), "spd_mixed", PRUNED),
    ),
    comparison=Comparison(
        "base", ["magnitude", "movement", "movement+kd", "theseus", "spd", "spd_mixed"]
    ),
    # The paper declares no margin; it compares on each task, and on their mean.
    judging=Judging(margin=1.0, test="t", tasks="fixed"),
    seeds=(42, 549, 1237, 230, 805),
    training=DENSE,
)
