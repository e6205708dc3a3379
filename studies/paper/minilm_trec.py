"""The arms of arXiv 2205.12428 with real weights on six kinds of questions, on a CPU.

The student is every second layer of all-MiniLM-L6-v2, or three such layers from scratch; the
teacher is all six, fine-tuned once. The paper has no TREC: its methods as for the pre-trained
student serve both inits, on 800 of the 4,952 questions, for 4 epochs, at ten times its rate; it
leaves warm-up, weight decay and clipping open.
"""

from dataclasses import replace

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, Base, SelfKD, TFReg
from trainers.models import HubModel, every_second_layer
from trainers.settings import Training
from trainers.tasks import Part, trec

WEIGHTS = "sentence-transformers/all-MiniLM-L6-v2"

study = Study(
    name="minilm_trec",
    task=replace(trec(), train=Part("train", 800), dev=Part("train", 200)),
    arms=Arm.grid(
        model=HubModel(WEIGHTS, layers=3),
        init=[every_second_layer(WEIGHTS), "scratch"],
        method=[Base(), LS(), TFReg(), SelfKD(), KD(teacher=HubModel(WEIGHTS))],
    ),
    comparison=Comparison("base", ["ls", "tf_reg", "self_kd", "kd"]),
    judging=Judging(margin=1.0),  # the paper declares none
    training=Training(
        epochs=4, batch_size=32, lr=2e-4, warmup=0.06, weight_decay=0.01, clip=1.0, max_length=32
    ),
)
