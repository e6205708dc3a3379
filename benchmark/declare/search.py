"""What a user declares about tuning: the space of an arm, and how all spaces are searched."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmark.errors import StudyError

Sampler = Literal["tpe", "grid", "random", "gp"]
Pruner = Literal["asha", "wilcoxon", "none"]
Per = Literal["arm", "task", "study"]
Protocol = Literal["each-arm", "paper"]

#: Seeds of tuning count from here, so that nobody compares on them by accident.
FIRST_SEED = 10_001
#: Seeds below which Optuna's WilcoxonPruner cannot prune at its default threshold.
SEEDS_FOR_WILCOXON = 4
#: Sets of hyper-parameters that the paper's protocol tries for every arm.
FINALISTS = 5

Value = float | int | str | bool
#: A setting: values by the names of hyper-parameters.
Params = Mapping[str, Value]


@dataclass(frozen=True)
class Range:
    """Numbers between two ends, both of them included; whole numbers if both ends are.

    Attributes:
        low: the smallest.
        high: the largest.
        log: whether the logarithm is searched evenly; needs a positive `low`.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        ends = (self.low, self.high)
        if any(isinstance(e, bool) or not isinstance(e, int | float) for e in ends) or not all(
            math.isfinite(e) for e in ends
        ):
            raise StudyError(
                f"Range({self.low!r}, {self.high!r}): both ends must be finite numbers."
            )
        if not self.low < self.high:
            raise StudyError(f"Range({self.low!r}, {self.high!r}): low must lie below high.")
        if self.log and self.low <= 0:
            raise StudyError(f"Range({self.low!r}, {self.high!r}): a log range starts above 0.")

    def __str__(self) -> str:
        """For instance "1e-05 to 0.001 (log)"."""
        return f"{self.low:g} to {self.high:g}" + (" (log)" if self.log else "")


@dataclass(frozen=True, init=False)
class Search:
    """Which hyper-parameters of an arm are tuned, and over what.

    The names are fields of the arm's method or of its Training; each has a list of values or a
    :class:`Range`.

    >>> str(Search(lr=Range(1e-4, 1e-2, log=True), alpha=[0.5, 0.9]))
    'lr: 0.0001 to 0.01 (log); alpha: 0.5, 0.9'
    """

    space: tuple[tuple[str, tuple[Value, ...] | Range], ...]

    def __init__(self, **space: Sequence[Value] | Range) -> None:
        if not space:
            raise StudyError("Search(): the space is empty; name a hyper-parameter to tune.")
        frozen = tuple((name, _values(name, among)) for name, among in space.items())
        object.__setattr__(self, "space", frozen)

    @property
    def names(self) -> tuple[str, ...]:
        """The hyper-parameters."""
        return tuple(name for name, _ in self.space)

    @property
    def size(self) -> int | None:
        """How many points a grid over the space has; None where a range makes it endless."""
        sizes = [len(among) for _, among in self.space if not isinstance(among, Range)]
        return math.prod(sizes) if len(sizes) == len(self.space) else None

    def extremes(self) -> list[tuple[str, Value]]:
        """Every listed value and both ends of every range, to be checked before training."""
        return [
            (name, value)
            for name, among in self.space
            for value in ((among.low, among.high) if isinstance(among, Range) else among)
        ]

    def only(self, names: set[str]) -> Search | None:
        """The part of the space that these names cover; None where that is nothing."""
        part = {name: among for name, among in self.space if name in names}
        return Search(**part) if part else None

    def specification(self) -> dict[str, Any]:
        """For the identity of a search."""
        return dict(self.space)

    def __str__(self) -> str:
        """One line."""
        return "; ".join(
            f"{name}: {among if isinstance(among, Range) else ', '.join(map(_short, among))}"
            for name, among in self.space
        )


def _values(name: str, among: Sequence[Value] | Range) -> tuple[Value, ...] | Range:
    if isinstance(among, Range):
        return among
    if isinstance(among, str) or not isinstance(among, Sequence):
        raise StudyError(f"Search({name}={among!r}): give a list of values or Range(low, high).")
    if not among:
        raise StudyError(f"Search({name}=[]): the list is empty.")
    if any(not isinstance(v, float | int | str | bool) for v in among):
        raise StudyError(f"Search({name}={list(among)!r}): values must be numbers or texts.")
    if any(isinstance(v, float) and not math.isfinite(v) for v in among):
        raise StudyError(f"Search({name}={list(among)!r}): values must be finite.")
    if len(set(among)) < len(among):
        raise StudyError(f"Search({name}={list(among)!r}): a value is there twice.")
    return tuple(among)


def _short(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How every arm that has a :class:`Search` is tuned: all alike, on dev, on seeds of its own.

    Attributes:
        trials: settings tried for each search; fewer where a grid has fewer points.
        seeds: how many seeds each setting is trained on, or which; never those of the comparison.
        sampler: who proposes settings: Optuna's "tpe", "gp" or "random", or a "grid".
        pruner: "asha" stops settings whose curve on dev falls behind at 1, 3, 9, … epochs (all of
            it on the first tuning seed; survivors are trained on the others too). "wilcoxon" stops
            those that lose to the best setting seed by seed, from four seeds on. "none".
        per: one setting for each "arm" over all tasks, for each arm and "task", or for the whole
            "study".
        protocol: "each-arm" tunes every arm alike. "paper" is that of arXiv 2205.12428: tune
            `lead` alone, try its five best settings for all arms of the same model and init,
            and keep the one with the best mean, which favours `lead`.
        lead: the arm that "paper" tunes.
        ahead: settings under way at once. It belongs to the search, since a setting is proposed in
            the light of those before it; more workers than that have little to do.
        seed: of the sampler.
    """

    trials: int = 20
    seeds: int | tuple[int, ...] = 2
    sampler: Sampler = "tpe"
    pruner: Pruner = "asha"
    per: Per = "arm"
    protocol: Protocol = "each-arm"
    lead: str = "kd"
    ahead: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("trials", 1), ("ahead", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise StudyError(f"Tuning: {name} must be a whole number of at least {least}.")
        self._check_seeds()
        for name, allowed in (
            ("sampler", ("tpe", "grid", "random", "gp")),
            ("pruner", ("asha", "wilcoxon", "none")),
            ("per", ("arm", "task", "study")),
            ("protocol", ("each-arm", "paper")),
        ):
            if getattr(self, name) not in allowed:
                raise StudyError(
                    f"Tuning: {name} must be one of {', '.join(allowed)}, "
                    f"not {getattr(self, name)!r}."
                )
        if self.protocol == "paper" and self.per == "study":
            raise StudyError(
                'Tuning: protocol="paper" already shares one setting among arms; use per="arm" '
                'or per="task" with it.'
            )
        if self.pruner == "wilcoxon" and self.count < SEEDS_FOR_WILCOXON:
            raise StudyError(
                f'Tuning: pruner="wilcoxon" compares seed by seed and cannot act below '
                f"{SEEDS_FOR_WILCOXON} seeds; use more seeds or another pruner."
            )

    def _check_seeds(self) -> None:
        seeds = self.seeds if isinstance(self.seeds, tuple) else (self.seeds,)
        if any(not isinstance(s, int) or isinstance(s, bool) or s < 0 for s in seeds):
            raise StudyError(f"Tuning: seeds must be whole numbers from 0, not {self.seeds!r}.")
        if len(set(seeds)) < len(seeds):
            raise StudyError("Tuning: seeds holds the same seed twice.")
        if self.count < 1:
            raise StudyError("Tuning: at least one seed is needed.")

    @property
    def count(self) -> int:
        """How many seeds."""
        return len(self.seeds) if isinstance(self.seeds, tuple) else self.seeds

    def seeds_beside(self, comparison: Sequence[int]) -> tuple[int, ...]:
        """The tuning seeds of a study.

        Args:
            comparison: the seeds that arms are compared on.

        Raises:
            StudyError: a seed of the user's choice is one of these.

        >>> Tuning(seeds=2).seeds_beside([42, 10_001])
        (10002, 10003)
        """
        if isinstance(self.seeds, tuple):
            shared = sorted(set(self.seeds) & set(comparison))
            if shared:
                raise StudyError(
                    f"Tuning: seed {', '.join(map(str, shared))} is a seed of the comparison too; "
                    "what is tuned on a seed cannot be tested on it."
                )
            return self.seeds
        taken = set(comparison)
        return tuple(
            itertools.islice((s for s in itertools.count(FIRST_SEED) if s not in taken), self.seeds)
        )

    def specification(self) -> dict[str, Any]:
        """What changes which settings are proposed and how they are judged."""
        return {
            name: getattr(self, name) for name in ("trials", "sampler", "pruner", "ahead", "seed")
        }
