"""Table 6 of arXiv 2205.12428: ResNet18 on CIFAR-100, from scratch and from ImageNet.

Optimiser, rate, epochs and seeds are the paper's (appendix C, Table 13), which follows Yuan et al.
(2020). Where it says nothing, their code decides: augmentation, warm-up, a stem for small images,
the TF-reg variant. Under "pretrained" all but stem and head come from ImageNet. Decay spares biases
and normalisation here, which theirs does not.
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers.inputs.augmentation import Augmentation
from trainers.methods import LS, Base, TFReg
from trainers.models import HubModel
from trainers.schedules import StepDecay
from trainers.settings import Training
from trainers.tasks import cifar100

study = Study(
    name="cifar100",
    task=cifar100(),  # a tenth of train is dev
    arms=Arm.grid(
        model=HubModel("microsoft/resnet-18", image_size=32, stem="small"),
        init=["pretrained", "scratch"],
        method=[
            Base(),
            LS(epsilon=0.1),
            TFReg(variant="yuan", alpha=0.1, a=0.99, temperature=20, multiplier=100),
        ],
    ),
    comparison=Comparison("base", ["ls", "tf_reg"]),
    judging=Judging(margin=1.0),  # the paper declares none
    seeds=(11, 125, 1350, 23, 230, 4653, 5589, 56, 6, 992),
    training=Training(
        epochs=200,
        batch_size=128,
        optimiser="sgd",
        lr=0.1,
        momentum=0.9,
        weight_decay=5e-4,
        schedule=StepDecay(at=(60, 120, 160), divide_by=5),
        warmup=1 / 200,  # one epoch
        clip=None,
        augmentation=Augmentation(padding=4, flip=0.5, rotation=15),
        select="best",  # the best epoch on dev is scored
    ),
)
