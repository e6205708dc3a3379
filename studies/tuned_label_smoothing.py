"""Does label smoothing help a small BERT from scratch, when it and base are tuned alike?

Twenty settings for each arm, proposed by Optuna and judged on dev; the arms are then compared on
eight other seeds.
"""

from benchmark import Arm, Comparison, Judging, Range, Search, Study, Tuning
from trainers.methods import LS, Base
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import Docstrings

study = Study(
    name="tuned_label_smoothing",
    task=Docstrings(label="package", train=1200, dev=400, test=1600, vocabulary=4096),
    arms=Arm.grid(
        model=Bert(layers=2, width=128, initializer_range=0.05),
        init="scratch",
        method=[Base(), LS()],
        search=Search(
            batch_size=[8, 16, 32, 64],
            lr=Range(2e-4, 5e-3, log=True),
            epsilon=[0.05, 0.1, 0.2, 0.3, 0.4],
        ),
    ),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=1.0),
    training=Training(epochs=6, max_length=48),
    tuning=Tuning(trials=20, seeds=2, sampler="tpe", pruner="asha"),
)
