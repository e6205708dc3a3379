"""What the fork server imports once, so that no worker has to."""

from __future__ import annotations

import gc
import os
import signal

import numpy as np
import scipy.optimize  # noqa: F401
import sklearn.metrics  # noqa: F401
from transformers import (  # noqa: F401
    AutoConfig,
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertTokenizer,
    DebertaV2ForSequenceClassification,
    DistilBertForSequenceClassification,
    GPT2ForSequenceClassification,
    GPT2Tokenizer,
    ResNetForImageClassification,
    RobertaForSequenceClassification,
    RobertaTokenizer,
    ViTForImageClassification,
)

import benchmark.declare.loading
import benchmark.execute.attempt.worker
import benchmark.execute.engines.asking
import benchmark.execute.engines.local  # noqa: F401
import stats  # noqa: F401
from benchmark.execute.engines import orphaned
from benchmark.execute.engines.processes import FOR_SERVER, SAFE_PATH
from benchmark.store import connection
from trainers.metrics import all_scores, temperature

connection.preload()
# The first scores of a process take three times as long as its second ones.
all_scores(np.eye(3), np.arange(3), temperature(np.eye(3), np.arange(3)))

if os.environ.get(SAFE_PATH) == FOR_SERVER:
    del os.environ[SAFE_PATH]

# A cluster that ends a job signals every process in it. The server goes with its parent; before
# that, the runs that were forked from it close their records.
for _each in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(_each, signal.SIG_IGN)

# What was imported is there for good: a look for garbage in it takes a run most of a second.
gc.freeze()
orphaned.loaded()
