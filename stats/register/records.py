"""What a test, an effect size or a correction says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from stats.errors import InvalidSetting

if TYPE_CHECKING:
    from stats.inputs import FloatArray, IntArray

#: Beyond so many 2/2ⁿ is no number any more.
MOST_SEEDS = 2_000


class RowsTested(NamedTuple):
    """What a test says of m comparisons at once; each of shape (m,).

    Attributes:
        statistic: of the test.
        greater: grows with the evidence against "the candidate is no better", such as a one-sided
            p-value or the difference turned around: the smaller, the more the candidate is ahead.
        less: the same of the other side.
        p_value: two-sided.
    """

    statistic: FloatArray
    greater: FloatArray
    less: FloatArray
    p_value: FloatArray


class Shifts(NamedTuple):
    """How a test answers when all differences are shifted, by which its power is simulated fast.

    Attributes:
        averages: of differences of shape (m, n), shape (m, k): the test rejects upward where so
            many of them as `rank` says lie above zero.
        count: k of n pairs.
        rank: of n pairs and α: the place of the deciding average from below, 0 where none decides,
            and the level that the test really has.
    """

    averages: Callable[[FloatArray], FloatArray]
    count: Callable[[int], int]
    rank: Callable[[int, float], tuple[int, float]]


@dataclass(frozen=True, kw_only=True)
class Named:
    """What everything in the register says of itself.

    Attributes:
        name: as it is asked for.
        words: as outputs call it.
        default: whether it is taken where none is named; one of each kind is.
    """

    name: str
    words: str
    default: bool = False


@dataclass(frozen=True, kw_only=True)
class PrimaryTest(Named):
    """What every primary test says of itself.

    Attributes:
        smallest_p: smallest two-sided p of so many scores of baseline and candidate, without ties;
            of a paired test both numbers are that of the pairs. It falls as these grow.
        efficiency: Pitman efficiency against t under normal differences, by which sample sizes are
            planned.
        simulated_up_to: pairs, or scores an arm, up to which power is simulated; beyond them it is
            that of t at n times the efficiency.
        of_means: whether it is about the mean, beside which a mean difference is shown.
    """

    smallest_p: Callable[[int, int], float]
    efficiency: float = 1.0
    simulated_up_to: int = 40
    of_means: bool = False

    def seeds_for(self, alpha: float, corrected: Callable[[float], float] = float) -> int:
        """Fewest seeds an arm whose smallest p, once it is corrected, lies below alpha.

        Raises:
            InvalidSetting: no number of them is enough, as where resampling ends.
        """
        for seeds in range(1, MOST_SEEDS):
            if corrected(self.smallest_p(seeds, seeds)) < alpha:
                return seeds
        raise InvalidSetting(
            f'no number of seeds lets test "{self.name}" reach alpha = {alpha:g}: its smallest p, '
            f"once corrected, stays at {corrected(self.smallest_p(MOST_SEEDS, MOST_SEEDS)):.2g}; "
            "take a smaller family or another test"
        )


@dataclass(frozen=True, kw_only=True)
class PairedTest(PrimaryTest):
    """A test of differences.

    Attributes:
        rows: from settled differences of shape (m, n), and the rule for zeros.
        by_signs: whether its null distribution is that of the signs, of which a difference of zero
            has none, so that each zero doubles the smallest p.
        by_size: whether the size of a difference counts, so that all must be on one scale.
        power: exact power for normal differences: of mean over sd, pairs and level.
        shifts: how its power is simulated in much less time than by testing each sample.
        tells_zeros: whether outputs say what it does with zero differences.
        possible_p: the two-sided p that n pairs can give without ties, in ascending order: the
            smallest, and all in the range and beside it, or so many of them as tell what the range
            holds. None where no more than the smallest is known.
        approximated: how an approximation that is printed in place of the exact p would fall into
            a range of p, in words; "" where it does not.
    """

    rows: Callable[[FloatArray, str], RowsTested]
    by_signs: bool = False
    by_size: bool = True
    power: Callable[[float, int, float], float] | None = None
    shifts: Shifts | None = None
    tells_zeros: bool = False
    possible_p: Callable[[int, Fraction, Fraction], tuple[float, ...]] | None = None
    approximated: Callable[[int, float, float], str] | None = None

    @property
    def is_exact(self) -> bool:
        """Whether it can give a few p-values only, of which there is a smallest."""
        return self.smallest_p(2, 2) > 0


@dataclass(frozen=True, kw_only=True)
class UnpairedTest(PrimaryTest):
    """A test of two arms that share no seeds.

    Attributes:
        rows: from baselines of shape (m, n) and candidates of shape (m, k).
        by_deals: whether its null distribution is that of all ways to deal the scores to the arms,
            of which ties make some alike, so that they raise the smallest p.
    """

    rows: Callable[[FloatArray, FloatArray], RowsTested]
    by_deals: bool = False


#: An effect size and the ends of its interval, each of shape (m,).
Bounds: TypeAlias = "tuple[FloatArray, FloatArray, FloatArray]"


@dataclass(frozen=True, kw_only=True)
class Effect(Named):
    """What every effect size says of itself.

    Attributes:
        symbol: the head of its column.
    """

    symbol: str


@dataclass(frozen=True, kw_only=True)
class PairedEffect(Effect):
    """An effect size of paired scores.

    Attributes:
        rows: from both arms, of shape (2, m, n), their settled differences, of shape (m, n), and
            the confidence of the interval.
    """

    rows: Callable[[FloatArray, FloatArray, float], Bounds]


@dataclass(frozen=True, kw_only=True)
class UnpairedEffect(Effect):
    """An effect size of arms that share no seeds.

    Attributes:
        rows: from baselines of shape (m, n), candidates of shape (m, k), and the confidence.
    """

    rows: Callable[[FloatArray, FloatArray, float], Bounds]


@dataclass(frozen=True, kw_only=True)
class Correction(Named):
    """How the p-values of one family are corrected.

    What `rows` and `claims` return may exceed 1, and is cut there.

    Attributes:
        rows: from p-values that ascend along the last axis, of shape (…, k).
        smallest: the corrected p of k comparisons that all have this p.
        level: the p below which the smallest of k lies where its corrected p lies below α.
        claims: of k differences and k equivalences together: from their p-values in ascending
            order, shape (m, 2k), and that order, in which numbers below k are differences. Without
            it they are corrected by `rows` as one family of 2k.
    """

    rows: Callable[[FloatArray], FloatArray]
    smallest: Callable[[float, int], float]
    level: Callable[[float, int], float]
    claims: Callable[[FloatArray, IntArray], FloatArray] | None = None


Record = PairedTest | UnpairedTest | PairedEffect | UnpairedEffect | Correction
