"""Representational collapse as section 5 of the R3F paper looks for it: RoBERTa on GLUE.

SST-2 → QNLI → QQP → RTE, three times over (arXiv 2008.03156), each link from the best checkpoint of
the one before. Every link is probed on seven tasks: six others after the first link are the paper's
generalisation, SST-2 along the first four its degradation, and each task before its turn its
retention. RoBERTa-base stands in for the paper's large one: name that where there is room for it.

What the paper leaves open is named here: probes learn from 2,000 examples of a task, and links are
trained for three epochs.
"""

from dataclasses import replace

from benchmark import Arm, Comparison, Judging, Probes, Study, chain
from trainers.methods import L2SP, R3F, R4F, SMART, Base, FreeLB, Mixout
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import Part, glue

CHAIN = [glue(name) for name in ("sst2", "qnli", "qqp", "rte")]
PROBED = [
    replace(glue(name), train=Part("train", 2_000), dev=Part("train", 500), test=Part(dev))
    for dev, names in {
        "validation": ("sst2", "qnli", "qqp", "rte", "cola", "mrpc"),
        "validation_matched": ("mnli",),
    }.items()
    for name in names
]
*BEFORE, LAST = 3 * CHAIN

study = Study(
    name="rxf_collapse",
    task=LAST,
    arms=Arm.grid(
        HubModel("FacebookAI/roberta-base"),
        chain(BEFORE),
        [Base(), R3F(), R4F(), SMART(), FreeLB(), Mixout(), L2SP()],
    ),
    comparison=Comparison("base", ["r3f", "r4f", "smart", "freelb", "mixout", "l2_sp"]),
    judging=Judging(margin=1.0, test="t"),  # the paper declares none
    seeds=(42, 549, 1237, 230, 805),
    training=Training(epochs=3, batch_size=32, lr=1e-5, warmup=0.06, max_length=128),
    probes=Probes(PROBED, at="every link"),
)
