"""How a model is trained: each method is a small frozen dataclass behind one interface."""

from __future__ import annotations

from trainers.methods.base import Base
from trainers.methods.composition import Composition
from trainers.methods.method import Method, Phase, Teacher
from trainers.methods.pruning.magnitude import Magnitude
from trainers.methods.pruning.movement import Movement
from trainers.methods.pruning.spd import SPD
from trainers.methods.pruning.theseus import Theseus
from trainers.methods.smoothness.freelb import FreeLB
from trainers.methods.smoothness.neftune import NEFTune
from trainers.methods.smoothness.r3f import R3F, R4F
from trainers.methods.smoothness.r_drop import RDrop
from trainers.methods.smoothness.smart import SMART
from trainers.methods.step import Step
from trainers.methods.targets.annealing_kd import AnnealingKD
from trainers.methods.targets.confidence_penalty import ConfidencePenalty
from trainers.methods.targets.distillation import KD, SelfKD
from trainers.methods.targets.label_smoothing import LS
from trainers.methods.targets.sequence_kd import SequenceKD
from trainers.methods.targets.teacher_free import TFReg
from trainers.methods.weights.bitfit import BitFit
from trainers.methods.weights.l2_sp import L2SP
from trainers.methods.weights.llrd import LLRD
from trainers.methods.weights.mixout import Mixout
from trainers.methods.weights.reinit import Reinit

__all__ = [
    "KD",
    "L2SP",
    "LLRD",
    "LS",
    "R3F",
    "R4F",
    "SMART",
    "SPD",
    "AnnealingKD",
    "Base",
    "BitFit",
    "Composition",
    "ConfidencePenalty",
    "FreeLB",
    "Magnitude",
    "Method",
    "Mixout",
    "Movement",
    "NEFTune",
    "Phase",
    "RDrop",
    "Reinit",
    "SelfKD",
    "SequenceKD",
    "Step",
    "TFReg",
    "Teacher",
    "Theseus",
]
