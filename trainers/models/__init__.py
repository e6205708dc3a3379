"""Models as declarations: frozen dataclasses that build a module when a run needs one."""

from trainers.models.bert import Bert, load_tokenizer
from trainers.models.body import WEIGHTS, load_body
from trainers.models.model import Model
from trainers.models.resnet import ResNet

__all__ = ["WEIGHTS", "Bert", "Model", "ResNet", "load_body", "load_tokenizer"]
