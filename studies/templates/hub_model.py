"""A model from the hub, fine-tuned: does label smoothing or self-distillation help it?

bench run --smoke hub_model.py tries it in a minute without a network; then
bench fetch hub_model.py --data DIR, and bench run hub_model.py --data DIR, best on a GPU.
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base, SelfKD
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import glue

study = Study(
    name="hub_model",
    task=[glue("rte"), glue("mrpc")],  # verdicts on each; TextTask(...) reads your own data
    arms=Arm.grid(
        HubModel("distilbert/distilroberta-base"),  # any classifier of transformers, or a folder
        "pretrained",  # "scratch" has the same shape with random weights
        [Base(), LS(0.1), SelfKD()],
    ),
    comparison=Comparison("base", ["ls", "self_kd"]),
    judging=Judging(margin=1.0),  # points that would not matter to you
    training=Training(epochs=3, batch_size=32, lr=2e-5, warmup=0.06, max_length=128),
)
