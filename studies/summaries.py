"""Do label smoothing, R3F and distillation help a model that writes summaries?

The first sentence of a docstring is to be written from what follows it, by a small encoder with a
decoder: once from scratch, and once pre-trained by denoising on docstrings.
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, R3F, Base
from trainers.models import EncoderDecoder
from trainers.pretraining import Denoising
from trainers.settings import Training
from trainers.tasks import Decoding, DocstringSummary


def model(width: int, steps: int) -> EncoderDecoder:
    """A small BART that is pre-trained on the docstrings first."""
    pretraining = Denoising(steps=steps, batch_size=16, length=48, lr=2e-3)
    return EncoderDecoder(layers=2, width=width, initializer_range=0.05, pretraining=pretraining)


study = Study(
    name="summaries",
    task=DocstringSummary(
        train=1600, dev=200, test=400, vocabulary=2048, decoding=Decoding(longest=24, no_repeat=3)
    ),
    arms=Arm.grid(
        model=model(width=64, steps=1500),
        init=["pretrained", "scratch"],
        method=[Base(), LS(), R3F(noise="normal"), KD(teacher=model(width=128, steps=1500))],
    ),
    comparison=Comparison("base", ["ls", "r3f", "kd"]),
    judging=Judging(margin=1.0),
    training=Training(epochs=6, batch_size=16, lr=2e-3, max_length=48),
)
