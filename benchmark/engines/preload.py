"""What the fork server imports once, so that no worker has to."""

import scipy.optimize  # noqa: F401
import sklearn.metrics  # noqa: F401
from transformers import (  # noqa: F401
    BertForMaskedLM,
    BertForSequenceClassification,
    ResNetForImageClassification,
)

import benchmark.loading
import benchmark.worker  # noqa: F401
from benchmark import tracking

tracking.preload()
