"""What came of a search: the chosen setting, the price, and how much choosing alone may gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

from benchmark.declare.arm import Place
from benchmark.declare.search import Range
from benchmark.declare.study import Study
from benchmark.declare.tuned import Searching, searches
from benchmark.record.study_record import RecordedSearch
from benchmark.runs.plan import Settings, make_plan
from benchmark.tuning.trial import Trial
from stats.many_tasks.expected_best import expected_best, gain_of_choice

#: Budgets at which the expected best setting is shown.
BUDGETS = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class Tuned:
    """A search that is over, or as far as it has come.

    Attributes:
        searching: what was searched.
        planned: settings to be tried.
        metric: of the objective.
        higher_is_better: of the metric.
        trials: in the order of their numbers.
        steps: training steps taken for it, by everybody who worked on it.
        importances: share of each hyper-parameter in the variance of the scores; empty where
            there are too few settings to tell.
    """

    searching: Searching
    planned: int
    metric: str
    higher_is_better: bool
    trials: tuple[Trial, ...]
    steps: int
    importances: Mapping[str, float]

    @property
    def over(self) -> bool:
        """Whether every trial has ended."""
        return len(self.trials) == self.planned and all(t.told for t in self.trials)

    @property
    def best(self) -> Trial | None:
        """The complete trial with the best objective, the earliest on a tie."""
        ranked = self.ranked()
        return ranked[0] if ranked else None

    def ranked(self) -> list[Trial]:
        """Complete trials, the best first."""
        sign = -1 if self.higher_is_better else 1
        complete = [t for t in self.trials if t.end == "complete" and t.value is not None]
        return sorted(complete, key=lambda t: (sign * (t.value or 0.0), t.number))

    def count(self, end: str) -> int:
        """How many trials ended like this."""
        return sum(t.end == end for t in self.trials)

    @property
    def problem(self) -> str:
        """Why there is no setting to go on with; empty where there is one."""
        if self.best:
            return ""
        reasons = dict.fromkeys(t.reason for t in self.trials if t.end == "failed")
        return f"none of its {len(self.trials)} settings could be trained ({'; '.join(reasons)})"

    def scores(self) -> list[float]:
        """One score for each setting, in the order of the trials; none if none is complete.

        A pruned one is credited with its last score on dev and what complete ones gained after
        that step on average, though never with more than the best of them; a failed one with the
        worst score of all.
        """
        complete = [t.value for t in self.trials if t.value is not None]
        if not complete:
            return []
        best, worst = (max, min) if self.higher_is_better else (min, max)
        credited = {
            t.number: worst(best(complete), self._credited(t))
            for t in self.trials
            if t.end == "pruned"
        }
        lowest = worst(*complete, *credited.values(), complete[0])
        return [
            t.value if t.value is not None else credited.get(t.number, lowest) for t in self.trials
        ]

    def _credited(self, pruned: Trial) -> float:
        step = max(pruned.curve)
        gains = [
            t.value - t.curve[step] for t in self.trials if t.value is not None and step in t.curve
        ]
        return pruned.curve[step] + (mean(gains) if gains else 0.0)

    def expected_best(self) -> dict[int, float]:
        """Expected dev score of the best of so many settings."""
        scores = self.scores()
        if not scores:
            return {}
        curve = expected_best(scores, lower_is_better=not self.higher_is_better)
        return dict(zip(curve.budget, curve.mean, strict=True))

    def gain(self) -> float:
        """Points of dev score by which the best setting exceeds the median one."""
        scores = self.scores()
        if not scores or not self.best or self.best.value is None:
            return float("nan")
        return abs(self.best.value - median(scores))


@dataclass(frozen=True)
class TuningOutcome:
    """How far tuning has come.

    Attributes:
        results: of every search that has begun.
        complete: whether all searches are over.
        interrupted: whether the user stopped it.
    """

    results: tuple[Tuned, ...]
    complete: bool
    interrupted: bool = False


def all_over(searching: Sequence[Searching], results: Sequence[Tuned]) -> bool:
    """Whether nothing is left to search: a lead that failed leaves its followers out."""
    failed = {r.searching.name for r in results if r.over and not r.best}
    over = {r.searching.name for r in results if r.over}
    return all(s.name in over or s.lead in failed for s in searching)


def chosen(results: Sequence[Tuned]) -> Settings:
    """The setting of every tuned arm on every task; None where there is none."""
    leads = {r.searching.lead for r in results}
    return {
        (arm.place, task.name): result.best.params if result.best else None
        for result in results
        if result.searching.name not in leads
        for arm, task in result.searching.members
    }


def as_record(study: Study, results: Sequence[Tuned]) -> list[RecordedSearch]:
    """Results as they are kept in a study's record."""
    tuning = study.tuning_used
    return [
        RecordedSearch(
            search=r.searching.name,
            arms=tuple(sorted({arm.name for arm, _ in r.searching.members})),
            members=tuple((*arm.place, task.name) for arm, task in r.searching.members),
            space=str(r.searching.space),
            sampler=tuning.sampler if not r.searching.lead else "the best of its lead",
            pruner=tuning.pruner,
            seeds=tuple(tuning.seeds_beside(study.seeds)),
            metric=r.metric,
            trials=len(r.trials),
            pruned=r.count("pruned"),
            failed=r.count("failed"),
            steps=r.steps,
            best=dict(r.best.params or {}) if r.best else None,
            dev=r.best.value if r.best else None,
            gain_of_choice=r.gain() if r.scores() else None,
            expected_best={str(n): m for n, m in r.expected_best().items()},
            importances=dict(r.importances),
            problem=r.problem,
        )
        for r in results
    ]


def unfair_arms(study: Study) -> str:
    """A warning for a study that tunes only some of the arms it compares; empty where fair."""
    if study.tuning_used.protocol == "paper":
        return (
            f'protocol="paper" looks for settings that suit {study.tuning_used.lead} and only then '
            "asks the other arms: expect a bias towards it"
        )
    compared = {study.comparison.baseline, *study.comparison.candidates}
    by_place: dict[Place, bool] = {a.place: bool(a.search) for a in study.arms}
    tuned = sorted({p[2] for p, search in by_place.items() if search and p[2] in compared})
    untuned = sorted({p[2] for p, search in by_place.items() if not search and p[2] in compared})
    if not tuned or not untuned:
        return "; ".join(_unequal_budgets(study))
    sds = gain_of_choice(study.tuning_used.trials)
    return (
        f"{', '.join(tuned)} will be tuned and {', '.join(untuned)} not: the best of "
        f"{study.tuning_used.trials} equally good settings scores {sds:.2f} standard deviations "
        "above their mean by choice alone. Give every arm a search"
    )


def _unequal_budgets(study: Study) -> list[str]:
    """In what the searches of a study differ that should be alike."""
    found = searches(study)
    lines = []
    if len({s.trials for s in found}) > 1:
        counts = ", ".join(f"{s.name}: {s.trials}" for s in found)
        lines.append(f"grids of different sizes give arms different numbers of settings ({counts})")
    epochs = {s.name: _most_epochs(s, study) for s in found}
    if len(set(epochs.values())) > 1:
        counts = ", ".join(f"{name}: {most}" for name, most in epochs.items())
        lines.append(f"arms may train for different numbers of epochs ({counts})")
    return lines


def _most_epochs(searching: Searching, study: Study) -> int:
    """Epochs of the longest setting of a search."""
    among = dict(searching.space.space).get("epochs")
    if isinstance(among, Range):
        return int(among.high)
    declared = [study.training_of(arm, task).epochs for arm, task in searching.members]
    return max([*declared, *(int(n) for n in among or ())])


def left_to_tune(study: Study, results: Sequence[Tuned]) -> list[tuple[str, int, int, str]]:
    """For a plan: each search, how many runs it has in all and left, and a run that is typical.

    Returns:
        Name, runs, runs left, and the key of the first member's run as declared.
    """
    known = {r.searching.name: r for r in results}
    plan = make_plan(study)
    keys = {
        (arm.place, task.name): k
        for (arm, task, _), k in zip(study.cells(), plan.cells, strict=True)
    }
    rows = []
    for searching in searches(study):
        each = study.tuning_used.count * len(searching.members)
        done = known.get(searching.name)
        trials = done.planned if done else searching.trials
        ended = sum(t.end is not None for t in done.trials) if done else 0
        arm, task = searching.members[0]
        rows.append(
            (searching.name, trials * each, (trials - ended) * each, keys[arm.place, task.name])
        )
    return rows
