"""Appendix D of arXiv 2205.12428: the search that its hyper-parameters come from.

ASHA over batch size, rate, α and τ for KD alone, 20 settings of at most 20 epochs; then its five
best settings are tried for all methods, and the one with the best mean is kept, which favours KD.
`bench tune` searches; `bench run` then compares on the paper's seeds, with what was found, after as
many epochs. Settings are drawn at random, as Ray Tune draws them, and may be stopped after 1, 3 or
9 epochs.
"""

from benchmark import Arm, Comparison, Judging, Search, Study, Tuning
from trainers.methods import KD, LS, Base, SelfKD, Teacher, TFReg
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import glue

space = Search(
    batch_size=[8, 16, 32, 64],
    lr=[9e-6, 1e-5, 2e-5, 3e-5],
    alpha=[0.4, 0.5, 0.7, 0.8, 0.9, 0.95],
    tau=[1, 2, 5, 10],
)
model = HubModel("distilbert/distilroberta-base")
kd = KD(teacher=Teacher(HubModel("FacebookAI/roberta-large"), seed=42))
others = Arm.grid(model, "pretrained", [Base(), LS(), TFReg(a=0.95, variant="paper"), SelfKD()])

study = Study(
    name="tuning",
    task=[glue(name) for name in ("cola", "rte", "mrpc", "sst2", "qnli", "mnli", "qqp")],
    arms=(*others, Arm(model, "pretrained", kd, search=space)),
    comparison=Comparison("base", ["ls", "tf_reg", "self_kd", "kd"]),
    # The paper declares no margin. One metric makes the mean over tasks one by which a setting can
    # be judged; five pairs can never reach .05 by ranks.
    judging=Judging(margin=1.0, metric="accuracy", test="t", tasks="fixed"),
    seeds=(42, 549, 1237, 230, 805),
    training=Training(
        epochs=20,
        schedule="linear",  # open in the paper, like all that follow
        warmup=0.0,
        weight_decay=0.0,
        clip=1.0,
        max_length=128,
        select="best",
    ),
    tuning=Tuning(trials=20, seeds=1, sampler="random", pruner="asha", protocol="paper", lead="kd"),
)
