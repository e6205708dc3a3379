"""Representational collapse with real weights, in a size that a CPU trains.

After section 5 of the R3F paper (arXiv 2008.03156): a chain of four tasks with all six layers of
all-MiniLM-L6-v2 in place of RoBERTa, 320 examples of each task, and two epochs. MRPC stands in for
QQP, and QNLI is carved out of its validation set. SST-2, the first, is probed at each link, and
CoLA, which is never trained on. Texts are cut after 64 tokens.
"""

from dataclasses import replace

from benchmark import Arm, Comparison, Judging, Probes, Study, chain
from trainers.methods import L2SP, R3F, R4F, SMART, Base, FreeLB, Mixout
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import Part, glue

SST2, MRPC, RTE, COLA = (
    replace(glue(name), train=Part("train", 320), dev=Part("train", 200), test=Part("validation"))
    for name in ("sst2", "mrpc", "rte", "cola")
)
PARTS = {"train": 320, "dev": 200, "test": 800}
QNLI = replace(glue("qnli"), **{part: Part("validation", size) for part, size in PARTS.items()})

study = Study(
    name="minilm_collapse",
    task=RTE,
    arms=Arm.grid(
        HubModel("sentence-transformers/all-MiniLM-L6-v2"),
        chain([SST2, QNLI, MRPC]),
        [Base(), R3F(), R4F(), SMART(), FreeLB(), Mixout(), L2SP()],
    ),
    comparison=Comparison("base", ["r3f", "r4f", "smart", "freelb", "mixout", "l2_sp"]),
    judging=Judging(margin=1.0, test="t"),  # the paper declares none
    seeds=(42, 549, 1237, 230, 805),
    training=Training(epochs=2, batch_size=32, lr=2e-4, warmup=0.06, clip=1.0, max_length=64),
    probes=Probes([SST2, COLA], at="every link"),
)
