"""A run whose model writes text: the training loop, with scores of texts in place of classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import nn

from trainers import text_metrics
from trainers.generation.writing import token_losses, write
from trainers.inputs.batches import Encoded
from trainers.loop import Fit, Trained
from trainers.machine.clock import Spent
from trainers.models.codec import TextCodec
from trainers.resume.position import Epoch
from trainers.tasks import Decoding, Split


@dataclass(frozen=True)
class WrittenSplit:
    """What a model wrote of a split.

    Attributes:
        ids: shape (n,), which example each is.
        sources: shape (n,).
        references: shape (n,).
        texts: a list of n for each draw, of which there is one where none is drawn.
        rouge: each of `text_metrics.ROUGE` by text: shape (draws, n).
        nll: shape (n,), the sum of −log p over the tokens of each reference.
        tokens: shape (n,), how many they are.
    """

    ids: NDArray[np.int64]
    sources: Sequence[str]
    references: Sequence[str]
    texts: Sequence[Sequence[str]]
    rouge: Mapping[str, NDArray[np.float64]]
    nll: NDArray[np.float64]
    tokens: NDArray[np.int64]

    def scores(self) -> dict[str, float]:
        """Every metric; of several draws the mean, and by `…_draw_sd` how far they lie apart."""
        each = [self._of_draw(draw) for draw in range(len(self.texts))]
        found = {name: float(np.mean([scores[name] for scores in each])) for name in each[0]}
        if len(each) > 1:
            for name in each[0]:
                spread = float(np.std([scores[name] for scores in each], ddof=1))
                found[f"{name}_draw_sd"] = spread
        nll = float(self.nll.sum() / self.tokens.sum())
        return {**found, "nll": nll, "perplexity": text_metrics.perplexity(nll)}

    def _of_draw(self, draw: int) -> dict[str, float]:
        means = {name: float(scores[draw].mean()) for name, scores in self.rouge.items()}
        return means | text_metrics.of_corpus(self.texts[draw], self.references)


@dataclass(frozen=True)
class TrainedWriter(Trained):
    """A finished run whose model writes.

    Attributes:
        written: by split.
    """

    written: Mapping[str, WrittenSplit] = field(default_factory=dict)


@dataclass(kw_only=True)
class WritingFit(Fit):
    """A model that writes, on its way through training.

    The loss is a mean over the tokens of a batch. Checkpoints are selected by the likelihood of
    dev's references, which one pass tells: to write all of dev after every epoch would take longer
    than to train on many tasks, and is done once, by the selected checkpoint.

    Attributes:
        codec: reads and writes for the model.
        decoding: how it writes.
        columns: what is read ("text") and to be written ("target") of a split, as it stands in the
            data, in the order of its examples.
    """

    codec: TextCodec
    decoding: Decoding
    columns: Callable[[Split], Mapping[str, Sequence[str]]]

    @property
    def selects_by(self) -> str:
        """The mean negative log-likelihood of a token."""
        return "nll"

    def end_epoch(self, offer: Callable[[], None]) -> Epoch:
        """Score dev's references, and stop a run whose loss is no longer a number."""
        loss = self.mean_loss()
        nll, tokens = token_losses(self.model, self.dev_set, self.training, offer)
        mean = float(nll.sum() / tokens.sum())
        dev = {"nll": mean, "perplexity": text_metrics.perplexity(mean)}
        return Epoch(self.at.epochs + 1, loss, dev)

    def worth(self, report: Epoch) -> float:
        """What selects an epoch: the higher the better."""
        return -report.dev["nll"]

    def score(
        self,
        model: nn.Module,
        test_set: Encoded | None,
        spent: Spent,
        offer: Callable[[], None],
    ) -> TrainedWriter:
        """Have a finished model write dev, and test if there is one."""
        sets: dict[Split, Encoded] = {"dev": self.dev_set}
        if test_set is not None:
            sets["test"] = test_set
        written: dict[str, WrittenSplit] = {
            split: self.written(model, split, examples, offer) for split, examples in sets.items()
        }
        scores: dict[str, Mapping[str, float]] = {s: w.scores() for s, w in written.items()}
        nll, tokens = token_losses(
            model, self.train_set, self.training, offer, self.some_of_train()
        )
        curve = [self.worth(report) for report in self.at.reports]
        lost = curve[self.at.best_epoch - 1] - curve[-1] if self.at.best_epoch else 0.0
        gap = scores["dev"]["nll"] - float(nll.sum() / tokens.sum())
        scores["overfitting"] = {"nll_gap": gap, "nll_lost": lost}
        at = self.at
        return TrainedWriter(model, scores, {}, at.best_epoch, at.steps, spent, written=written)

    def written(
        self, model: nn.Module, split: Split, examples: Encoded, offer: Callable[[], None]
    ) -> WrittenSplit:
        """What a model writes of a split, with the scores of each text."""
        columns = self.columns(split)
        references = columns["target"]
        how = self.codec, self.decoding, self.training, self.seed, offer
        texts = write(model, examples, *how)
        each = [text_metrics.rouge(draw, references) for draw in texts]
        rouge = {name: np.stack([scores[name] for scores in each]) for name in text_metrics.ROUGE}
        nll, tokens = token_losses(model, examples, self.training, offer)
        told = examples.ids, columns["text"], references, texts
        return WrittenSplit(*told, rouge, nll, tokens)
