"""Your own texts in a CSV file: does label smoothing help on them?

Put your file in place of own_data.csv, and say which columns it has.
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import Part, TextTask

study = Study(
    name="own_data",
    task=TextTask(
        "own_data.csv",  # beside this file: CSV, JSON, Parquet, or a name on the hub
        text="text",  # the column of the text; two, as ("premise", "hypothesis"), make pairs
        label="label",
        class_names=("negative", "positive"),
        dev=Part("train", 60),  # carved out of it: selects checkpoints
        test=Part("train", 80),  # judged once, at the end
    ),
    # A small BERT from random weights; HubModel("name/on-the-hub") is one that is pre-trained.
    arms=Arm.grid(Bert(layers=2, width=64), "scratch", [Base(), LS(0.1)]),
    comparison=Comparison("base", ["ls"]),
    # A difference of less than so many points of accuracy would not matter to you.
    judging=Judging(margin=2.0),
    training=Training(epochs=6, batch_size=16, lr=1e-3, max_length=32),
    # Eight seeds by default, the same for every arm, so that they pair; seeds=range(16) are more.
)
