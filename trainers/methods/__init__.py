"""How a model is trained: each method is a small frozen dataclass behind one interface."""

from trainers.methods.annealing_kd import AnnealingKD
from trainers.methods.base import Base
from trainers.methods.bitfit import BitFit
from trainers.methods.composition import Composition
from trainers.methods.confidence_penalty import ConfidencePenalty
from trainers.methods.distillation import KD, SelfKD
from trainers.methods.freelb import FreeLB
from trainers.methods.l2_sp import L2SP
from trainers.methods.label_smoothing import LS
from trainers.methods.llrd import LLRD
from trainers.methods.method import Method, Phase, Teacher
from trainers.methods.mixout import Mixout
from trainers.methods.neftune import NEFTune
from trainers.methods.r3f import R3F, R4F
from trainers.methods.r_drop import RDrop
from trainers.methods.reinit import Reinit
from trainers.methods.smart import SMART
from trainers.methods.step import Step
from trainers.methods.teacher_free import TFReg

__all__ = [
    "KD",
    "L2SP",
    "LLRD",
    "LS",
    "R3F",
    "R4F",
    "SMART",
    "AnnealingKD",
    "Base",
    "BitFit",
    "Composition",
    "ConfidencePenalty",
    "FreeLB",
    "Method",
    "Mixout",
    "NEFTune",
    "Phase",
    "RDrop",
    "Reinit",
    "SelfKD",
    "Step",
    "TFReg",
    "Teacher",
]
