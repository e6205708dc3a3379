"""Where ``init="pretrained"`` comes from: masked language modelling, or another labelled task."""

from trainers.pretraining.declarations import MaskedLanguageModelling, Supervised

__all__ = ["MaskedLanguageModelling", "Supervised"]
