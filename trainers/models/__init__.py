"""Models as declarations: frozen dataclasses that build a module when a run needs one."""

from __future__ import annotations

from trainers.models.bert import Bert, load_tokenizer
from trainers.models.generation.encoder_decoder import EncoderDecoder
from trainers.models.hub_model import HubModel
from trainers.models.layers import EverySecondLayer, every_second_layer
from trainers.models.model import Model
from trainers.models.resnet import ResNet
from trainers.models.stored.body import Checkpoint, load_body
from trainers.models.stored.weight_files import WEIGHTS

__all__ = [
    "WEIGHTS",
    "Bert",
    "Checkpoint",
    "EncoderDecoder",
    "EverySecondLayer",
    "HubModel",
    "Model",
    "ResNet",
    "every_second_layer",
    "load_body",
    "load_tokenizer",
]
