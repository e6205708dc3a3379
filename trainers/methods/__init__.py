"""How a model is trained: each method is a small frozen dataclass behind one interface."""

from trainers.methods.base import Base
from trainers.methods.composition import Composition
from trainers.methods.distillation import KD, SelfKD
from trainers.methods.label_smoothing import LS
from trainers.methods.method import Method, Phase, Teacher
from trainers.methods.step import Step
from trainers.methods.teacher_free import TFReg

__all__ = [
    "KD",
    "LS",
    "Base",
    "Composition",
    "Method",
    "Phase",
    "SelfKD",
    "Step",
    "TFReg",
    "Teacher",
]
