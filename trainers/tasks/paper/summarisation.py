"""The data sets of the R3F paper's summaries, by their names on the hub (arXiv 2008.03156)."""

from __future__ import annotations

from trainers.tasks.decoding import Decoding
from trainers.tasks.elsewhere.generation import GenerationTask
from trainers.tasks.parts import Part


def cnn_dailymail() -> GenerationTask:
    """News and their highlights (Hermann et al. 2015; See et al. 2017): 287,113, 13,368, 11,490.

    Written as BART's authors do: a search of 4, no three words twice, at most 140 tokens.
    """
    return GenerationTask(
        "abisee/cnn_dailymail",
        config="3.0.0",
        source="article",
        target="highlights",
        decoding=Decoding(longest=140, beams=4, length_penalty=2.0, no_repeat=3),
        name="cnn_dailymail",
    )


def gigaword() -> GenerationTask:
    """First sentences of news and their headlines (Rush et al. 2015): 3,803,957, 189,651, 1,951."""
    return GenerationTask(
        "Harvard/gigaword",
        source="document",
        target="summary",
        decoding=Decoding(longest=60, beams=6, no_repeat=3),
        name="gigaword",
    )


def reddit_tifu() -> GenerationTask:
    """Stories and what their authors say they come to (Kim et al. 2019), the long ones: 42,139.

    They come without a division: 5 % are set aside for validation and 5 % for the test.
    """
    return GenerationTask(
        "ctr4si/reddit_tifu",
        config="long",
        source="documents",
        target="tldr",
        dev=Part("train", 0.05),
        test=Part("train", 0.05),
        decoding=Decoding(longest=60, beams=6, no_repeat=3),
        name="reddit_tifu",
    )
