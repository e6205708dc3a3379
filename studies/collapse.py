"""What does fine-tuning take from an encoder, and do methods of smoothness keep it?

After section 5 of the R3F paper (arXiv 2008.03156), on docstrings: which package, which kind, which
submodule, twice over. At every link the frozen encoder is probed on the first task of the
chain (degradation), and on one that it never sees (generalisation).
"""

from benchmark import Arm, Comparison, Judging, Probes, Study, chain
from trainers import methods as m
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import Docstrings

PRETRAINING = MaskedLanguageModelling(steps=800, lr=2e-3, probability=0.3)
MODEL = Bert(layers=2, width=128, initializer_range=0.05, pretraining=PRETRAINING)
SIZES = {"dev": 384, "test": 768, "vocabulary": 4096}
PACKAGE, KIND, SUBMODULE, PAIR = (
    Docstrings(label=label, train=768, **SIZES)
    for label in ("package", "kind", "submodule", "pair")
)
*BEFORE, LAST = 2 * [PACKAGE, KIND, SUBMODULE]

study = Study(
    name="collapse",
    task=LAST,
    arms=Arm.grid(
        MODEL,
        chain(BEFORE),
        [m.Base(), m.R3F(), m.R4F(), m.SMART(), m.FreeLB(), m.Mixout(), m.L2SP()],
    ),
    comparison=Comparison("base", ["r3f", "r4f", "smart", "freelb", "mixout", "l2_sp"]),
    judging=Judging(margin=1.0, test="t"),
    training=Training(epochs=3, batch_size=32, lr=1e-3, max_length=48),
    probes=Probes([PACKAGE, PAIR], at="every link"),
)
