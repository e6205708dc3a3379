"""How a model is trained: each method is a small frozen dataclass behind one interface."""

from trainers.methods.base import Base
from trainers.methods.bitfit import BitFit
from trainers.methods.composition import Composition
from trainers.methods.distillation import KD, SelfKD
from trainers.methods.l2_sp import L2SP
from trainers.methods.label_smoothing import LS
from trainers.methods.llrd import LLRD
from trainers.methods.method import Method, Phase, Teacher
from trainers.methods.mixout import Mixout
from trainers.methods.reinit import Reinit
from trainers.methods.step import Step
from trainers.methods.teacher_free import TFReg

__all__ = [
    "KD",
    "L2SP",
    "LLRD",
    "LS",
    "Base",
    "BitFit",
    "Composition",
    "Method",
    "Mixout",
    "Phase",
    "Reinit",
    "SelfKD",
    "Step",
    "TFReg",
    "Teacher",
]
