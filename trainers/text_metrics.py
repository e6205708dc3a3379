"""Scores of texts that models wrote, beside their references, and of the probabilities of tokens.

ROUGE is that of `rouge_score` (Google Research), with stemming; BLEU and chrF are those of
`sacrebleu`. All are in points, from 0 to 100.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Raised when the same texts would get other scores.
REVISION = 1

#: Means over examples of F1 (Lin 2004): of words, of pairs of words, of the longest common
#: subsequence of the texts, and of those of their sentences.
ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")
#: Of a whole set of texts, and no mean over them.
CORPUS = ("bleu", "chrf")
#: Of the probabilities of the reference's tokens, which select checkpoints.
OF_TOKENS = ("nll", "perplexity")

#: Metrics that a task is judged by whose answers are texts, and whether more of them is better.
SELECTS: Mapping[str, bool] = {
    **dict.fromkeys((*ROUGE, *CORPUS), True),
    **dict.fromkeys(OF_TOKENS, False),
}


def rouge(written: Sequence[str], references: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Each of :data:`ROUGE` for each text, shape (n,), in points.

    >>> {name: scores.round(1).tolist() for name, scores in rouge(["a b c d"], ["a b x d"]).items()}
    {'rouge1': [75.0], 'rouge2': [33.3], 'rougeL': [75.0], 'rougeLsum': [75.0]}

    Args:
        written: shape (n,); Rouge-Lsum divides them at line breaks, and where there is none after
            the ends of sentences, as fairseq's evaluation of summaries does.
        references: shape (n,).
    """
    scorer = _scorer()
    rows = [
        scorer.score(_in_sentences(reference), _in_sentences(text))
        for text, reference in zip(written, references, strict=True)
    ]
    return {name: np.array([100.0 * row[name].fmeasure for row in rows]) for name in ROUGE}


def of_corpus(written: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Each of :data:`CORPUS`, of all texts together.

    >>> of_corpus(["the cat sat on the mat"], ["the cat sat on the mat"])
    {'bleu': 100.0, 'chrf': 100.0}
    """
    return {
        name: round(float(metric.corpus_score(list(written), [list(references)]).score), 10)
        for name, metric in _corpus_metrics().items()
    }


def signatures() -> dict[str, str]:
    """How the metrics of :data:`CORPUS` are computed, as sacrebleu abbreviates it.

    >>> signatures()["bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    True
    """
    for metric in _corpus_metrics().values():
        metric.corpus_score(["a"], [["a"]])  # which tells it the number of references
    return {name: str(metric.get_signature()) for name, metric in _corpus_metrics().items()}


def bleu_of_each(written: Sequence[str], references: Sequence[str]) -> NDArray[np.int64]:
    """What BLEU counts in each text, shape (n, 10); its sums over a set of texts give its BLEU.

    They are the lengths of text and reference, then how many n-grams for n = 1 … 4 are right, then
    how many there are.
    """
    metric = _corpus_metrics()["bleu"]
    rows = []
    for text, reference in zip(written, references, strict=True):
        found = metric.corpus_score([text], [[reference]])
        rows.append([found.sys_len, found.ref_len, *found.counts, *found.totals])
    return np.array(rows, np.int64).reshape(-1, 10)


def bleu_of_counts(counts: NDArray[np.int64]) -> float:
    """BLEU of a set of texts from what :func:`bleu_of_each` counts in each of them.

    >>> texts, references = ["the cat sat on a mat", "a dog"], ["the cat sat on the mat", "the dog"]
    >>> one = bleu_of_counts(bleu_of_each(texts, references))
    >>> abs(one - of_corpus(texts, references)["bleu"]) < 1e-9
    True
    """
    from sacrebleu.metrics.bleu import BLEU

    length, reference, *grams = counts.sum(0).tolist()
    right, there = grams[:4], grams[4:]
    found = BLEU.compute_bleu(right, there, length, reference, smooth_method="exp")
    return float(found.score)


def perplexity(nll: float) -> float:
    """e to the mean negative log-likelihood of a token; infinite where no number holds it.

    >>> round(perplexity(2.0), 3)
    7.389
    """
    with np.errstate(over="ignore"):
        return float(np.exp(nll))


@cache
def _scorer() -> Any:
    from absl.logging import get_absl_handler
    from rouge_score.rouge_scorer import RougeScorer

    # It came with rouge_score and closes what was sys.stderr then, once logging is set up anew.
    get_absl_handler().python_handler.setStream(sys.__stderr__)
    return RougeScorer(list(ROUGE), use_stemmer=True)


@cache
def _corpus_metrics() -> Mapping[str, Any]:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return {"bleu": BLEU(), "chrf": CHRF()}


def _in_sentences(text: str) -> str:
    """A text with its sentences in lines, which Rouge-Lsum reads and the others pass over."""
    if "\n" in text:
        return text
    for mark in (". ", "! ", "? "):
        text = text.replace(mark, f"{mark[0]}\n")
    return text
