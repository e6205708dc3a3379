"""Which runs, and what of the cache, the studies of a record still need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.studies import last_plans
from benchmark.record.study_record import StudyRecord
from benchmark.store.cache import KINDS

#: What of the cache a run takes from another that has this role in it.
_TAKEN = {
    "data": ("data",),
    "body": ("weights",),
    "teacher": ("logits", "weights", "texts"),
    "features": ("features",),
    "reference": ("features",),
}
#: Something in the cache: its kind and its key.
Result = tuple[str, str]


@dataclass(frozen=True)
class StillNeeded:
    """What the last plan of every study needs, what its open searches do, and what runs.

    Attributes:
        query: to the record.
        without: MLflow's ids of experiments of studies that count for nothing.
        gone: keys of runs that count for nothing.
    """

    query: Query
    without: Collection[str] = ()
    gone: Collection[str] = ()

    @cached_property
    def plans(self) -> dict[str, StudyRecord | None]:
        """By experiment, the last plan of each study; None where it cannot be read."""
        plans = last_plans(self.query)
        return {each: plan for each, plan in plans.items() if each not in self.without}

    @cached_property
    def recorded(self) -> list[Recorded]:
        """Runs that need what they were recorded with, and themselves.

        They are those that are not over, and all of a study whose plan cannot tell what it needs:
        because it is none yet, or its searches go on, or an earlier version wrote it.
        """
        unknown = {each for each, plan in self.plans.items() if plan is None or not plan.runs}
        for run in self.query.of_role("tuning"):
            if run.status in ("RUNNING", "KILLED"):
                unknown.add(run.experiment)
        running = self.query.runs("attributes.status = 'RUNNING' and tags.key != ''")
        found = [run for run in running if run.experiment not in self.without]
        for experiment in unknown - set(self.without):
            found += self.query.runs("tags.key != ''", experiment)
        cells = [
            c.key for plan in self.plans.values() if plan and not plan.runs for c in plan.cells
        ]
        found += self.query.finished_with_needs(cells).values() if cells else ()
        return [run for run in found if run.tags["key"] not in self.gone]

    def keys(self) -> set[str]:
        """Of the runs that are needed."""
        found = {run.tags["key"] for run in self.recorded}
        found |= {key for run in self.recorded for key in run.needs.values()}
        for plan in filter(None, self.plans.values()):
            found |= {cell.key for cell in plan.judged} | {run.key for run in plan.runs}
        return found - {""}

    def results(self) -> set[Result]:
        """What of the cache is needed."""
        found = {*self._by_plans(), *self._by_runs(), *self._to_go_on_from()}
        return found | {*self._read_of(key for kind, key in found if kind == "data")}

    def _by_plans(self) -> Iterator[Result]:
        for plan in filter(None, self.plans.values()):
            yield from (("hidden", cell.key) for cell in plan.cells if cell.key not in self.gone)
            for run in plan.runs:
                for role, key in run.needs.items() if run.key not in self.gone else ():
                    yield from ((kind, key) for kind in _TAKEN.get(role, KINDS))

    def _to_go_on_from(self) -> Iterator[Result]:
        """What was left by runs of the plans that were broken off."""
        left = {key for kind, key in self.query.store.cache.results() if kind == "resume"}
        left &= self.keys() - set(self.gone)
        done = self.query.with_tag("key", left, "= 'FINISHED'")
        yield from (("resume", key) for key in left - {run.tags["key"] for run in done})

    def _read_of(self, data: Iterable[str]) -> Iterator[Result]:
        """Texts of needed data as models read them."""
        needed = set(data)
        for kind, key in self.query.store.cache.results():
            if kind == "encoded" and key.partition("-")[0] in needed:
                yield kind, key

    def _by_runs(self) -> Iterator[Result]:
        for run in self.recorded:
            yield from ((kind, run.tags["key"]) for kind in KINDS)
            for tag, key in run.tags.items():
                if tag.startswith("needs."):
                    role = tag.removeprefix("needs.")
                    yield from ((kind, key) for kind in _TAKEN.get(role, KINDS))
