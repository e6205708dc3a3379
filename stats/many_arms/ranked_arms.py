"""What a ranking of several methods is made of."""

from __future__ import annotations

from dataclasses import dataclass

from stats.choices import BY_MEAN_RANKS, ZEROS
from stats.errors import InvalidSetting
from stats.inputs import check_choice, check_fraction, check_positive
from stats.many_arms.blocks import BLOCKS
from stats.many_arms.friedman import Friedman
from stats.many_arms.shaffer import all_pairs_corrections
from stats.register import PAIRED_TESTS


def post_hocs() -> tuple[str, ...]:
    """What may test the pairs of a ranking."""
    return (*PAIRED_TESTS, *BY_MEAN_RANKS)


@dataclass(frozen=True, kw_only=True)
class RankSettings:
    """What `stats.rank` holds fixed; its arguments say what each means.

    Raises:
        InvalidSetting: a value outside what it can be.
    """

    blocks: str = "task"
    paired: bool = True
    post_hoc: str = "wilcoxon"
    correction: str = "holm"
    alpha: float = 0.05
    resolution: float | None = None
    zeros: str = "wilcox"

    def __post_init__(self) -> None:
        check_choice("blocks", self.blocks, BLOCKS)
        check_choice("post_hoc", self.post_hoc, post_hocs())
        check_choice("correction", self.correction, all_pairs_corrections())
        check_choice("zeros", self.zeros, ZEROS)
        check_fraction("alpha", self.alpha)
        if self.resolution is not None:
            check_positive("resolution", self.resolution)
        if self.blocks != "task" and not self.paired:
            raise InvalidSetting("runs that share no seeds make no blocks by seed, only by task")


@dataclass(frozen=True, kw_only=True)
class RankedPair:
    """Two methods of a ranking, the one with the better mean rank first.

    Attributes:
        mean_difference: over blocks, of first minus second, in points.
        hodges_lehmann: pseudo-median of the same differences.
        p_value: two-sided, of the post-hoc test on this pair alone.
        p_adjusted: the same, corrected for all pairs; for Nemenyi and Conover by their
            studentised range.
        separable: whether `p_adjusted` is below alpha.
    """

    first: str
    second: str
    mean_difference: float
    hodges_lehmann: float
    p_value: float
    p_adjusted: float
    separable: bool


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Methods from best to worst mean rank, and which of them can be told apart.

    Attributes:
        model: the one of all blocks; "" where they differ, and so for `init` and `task`.
        methods: best first.
        mean_ranks: in the same order; 1 is the best.
        mean_scores: over blocks, in the same order.
        rank_low: the best rank that the pairs leave open: 1 + the number shown to be better.
        rank_high: the worst: k − the number shown to be worse.
        groups: the largest runs of neighbours of which no two can be told apart; a method may
            stand in several, and one that stands alone is told apart from its neighbours.
        critical_difference: of mean ranks, for Nemenyi and Conover; None otherwise,
            and where all blocks rank the methods alike.
        smallest_attainable_p_adjusted: of a test of pairs, over the family of all pairs and
            without ties; NaN for Nemenyi and Conover.
        seeds_dropped: whether blocks are without seeds that some of the methods have.
        out_of_reach: why no pair could ever be told apart, which is among the warnings; else empty.
    """

    study: str
    model: str
    init: str
    task: str
    methods: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    mean_scores: tuple[float, ...]
    rank_low: tuple[int, ...]
    rank_high: tuple[int, ...]
    groups: tuple[tuple[str, ...], ...]
    pairs: tuple[RankedPair, ...]
    friedman: Friedman
    critical_difference: float | None
    smallest_attainable_p_adjusted: float
    blocks: tuple[str, ...]
    metric: str
    split: str
    lower_is_better: bool
    settings: RankSettings
    seeds_dropped: bool
    out_of_reach: str
    warnings: tuple[str, ...]
