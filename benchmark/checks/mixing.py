"""A plan whose runs would be of several environments: said before training, with the choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from benchmark.errors import StudyError
from benchmark.record.environment import Environment, differ, distinct, environment_of, in_words
from benchmark.record.recorded import Recorded
from benchmark.runs.kinds import Need, Run
from benchmark.runs.plan import Plan
from benchmark.runs.probed import ProbeCell

#: What to do with recorded runs of another environment: train them anew here, or keep them.
Choice = Literal["anew", "mix"]


def settle(
    plan: Plan,
    finished: Mapping[str, Recorded],
    here: Callable[[Run], Environment],
    choice: Choice | None,
    look: Callable[[Iterable[str]], Mapping[str, Recorded]],
) -> Plan:
    """A plan in which every seed of a model on a task is of one environment as a whole.

    A run that is recorded from another environment gets a key of its own for this one, where it is
    to be trained anew.

    Args:
        plan: a study's runs.
        finished: those of them that are recorded.
        here: the environment that a run would have here.
        choice: what the user wants.
        look: the finished runs of other keys, asked for where environments would mix.

    Raises:
        StudyError: environments would mix, and nothing is chosen.
    """
    mixture = _Mixture(plan, finished, here)
    if len(mixture.environments) < 2:
        return plan
    anew, mixed = mixture.renewed(plan.cells), mixture.renewed(mixture.torn())
    if choice:
        return anew if choice == "anew" else mixed
    known = {**finished, **look({*anew.judged, *mixed.judged} - {*plan.judged})}
    for each in (anew, mixed):  # what was chosen before, and is done
        if all(key in known for key in each.judged):
            return each
    raise StudyError(mixture.question(_to_do(anew, known), _to_do(mixed, known)))


@dataclass(frozen=True)
class _Mixture:
    plan: Plan
    finished: Mapping[str, Recorded]
    here: Callable[[Run], Environment]

    @cached_property
    def environments(self) -> list[Environment]:
        """All that the study's runs would be of; recorded ones first."""
        cells = sorted(self.plan.judged, key=lambda k: k not in self.finished)
        seen: set[str] = set()
        return distinct(each for key in cells if key not in seen for each in self.of(key, seen))

    def of(self, key: str, seen: set[str] | None = None) -> Iterator[Environment]:
        """The environment of a run, then those of the runs that it needs and are not seen yet."""
        seen = set() if seen is None else seen
        seen.add(key)
        run = self.plan.runs[key]
        if run.tracked:
            done = self.finished.get(key)
            yield environment_of(done.tags) if done else self.here(run)
        for need in run.needs.values():
            if need.key not in seen:
                yield from self.of(need.key, seen)

    def torn(self) -> list[str]:
        """Cells of a seed, model and task that would be of several environments together."""
        groups: dict[tuple[str, str, int], list[str]] = {}
        for (arm, task, seed), key in zip(self.plan.study.cells(), self.plan.cells, strict=True):
            if key:
                groups.setdefault((arm.model.name, task.name, seed), []).append(key)
        return [
            key
            for keys in groups.values()
            if len(distinct(each for k in keys for each in self.of(k))) > 1
            for key in keys
        ]

    def renewed(self, cells: list[str] | tuple[str, ...]) -> Plan:
        """The plan with some cells, and all that they need, of the environment here."""
        renewal = _Renewal(self)
        keys = tuple(renewal.key(k) if k in cells else k for k in self.plan.cells)
        for key in self.plan.cells:
            if key and key not in cells:
                renewal.keep(key)
        return Plan(self.plan.study, renewal.runs, keys, self.renewed_probes(renewal, cells))

    def renewed_probes(
        self, renewal: _Renewal, cells: list[str] | tuple[str, ...]
    ) -> tuple[ProbeCell, ...]:
        """The probes, of the environment here where they look at what some cells need."""
        touched = set(cells)
        for key in cells:
            touched |= self.needs(key)
        found = []
        for probe in self.plan.probes:
            if probe.key and self.needs(probe.key) & touched:
                probe = replace(probe, key=renewal.key(probe.key))
            elif probe.key:
                renewal.keep(probe.key)
            found.append(probe)
        return tuple(found)

    def needs(self, key: str) -> set[str]:
        """The keys of all recorded runs that a run needs, directly or not."""
        found, waiting = set[str](), [self.plan.runs[key]] if key else []
        while waiting:
            fresh = [n for n in waiting.pop().needs.values() if n.key not in found]
            found |= {need.key for need in fresh}
            waiting += [need.run for need in fresh]
        return {each for each in found if self.plan.runs[each].tracked}

    def is_foreign(self, key: str) -> bool:
        """Whether a run is recorded from another environment than the one it would have here."""
        done = self.finished.get(key)
        if done is None:
            return False
        return differ(environment_of(done.tags), self.here(self.plan.runs[key]))

    def question(self, anew: int, mixed: int) -> str:
        """What would be mixed, and what can be done about it, at so many runs."""
        counts = [
            sum(not differ(each, next(self.of(key))) for key in self.plan.judged)
            for each in self.environments
        ]
        told = "; ".join(
            f"{count} with {in_words(each, self.environments)}"
            for each, count in zip(self.environments, counts, strict=True)
        )
        return (
            f"the runs of this study would be of {len(counts)} environments, between which numbers "
            f"may differ: {told}. Nothing was trained. Choose: --environments anew trains "
            f"{anew} runs here, until all are of this environment; --environments mix "
            f"keeps what is recorded and trains {mixed}, each seed in one environment "
            "as a whole, with a warning beside the verdict."
        )


def _to_do(plan: Plan, finished: Mapping[str, Recorded]) -> int:
    return sum(key not in finished for key in plan.judged)


class _Renewal:
    """Copies of runs, each after those that it needs."""

    def __init__(self, mixture: _Mixture) -> None:
        self.mixture = mixture
        self.runs: dict[str, Run] = {}
        self._renewed: dict[str, str] = {}

    def key(self, old: str) -> str:
        """The key of a run that is of the environment here, as are the runs that it needs."""
        if not old or old in self._renewed:
            return self._renewed.get(old, "")
        run = self.mixture.plan.runs[old]
        needs = {role: Need(self.runs[self.key(n.key)], n.output) for role, n in run.needs.items()}
        if needs != run.needs:
            run = replace(run, needs=needs)
        if self.mixture.is_foreign(old):
            run = replace(run, environment=tuple(sorted(self.mixture.here(run).items())))
        self.runs.setdefault(run.key, run)
        self._renewed[old] = run.key
        return run.key

    def keep(self, key: str) -> None:
        """A run as it was planned."""
        run = self.mixture.plan.runs[key]
        for need in run.needs.values():
            self.keep(need.key)
        self.runs.setdefault(key, run)
