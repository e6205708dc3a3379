"""Which runs of the record are meant: those of a study, of one of its arms, or a single one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from benchmark.care.needed import Result, StillNeeded
from benchmark.errors import StoreError
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.studies import last_plans, recorded_study
from benchmark.record.study_record import StudyRecord


@dataclass(frozen=True)
class ToRemove:
    """Runs to remove.

    Attributes:
        study: whose they are.
        told: what is removed, in words.
        runs: all attempts, the oldest first.
        staying: those that were meant and stay, since other studies need them.
        results: what they left in the cache that nothing else needs, with sizes in bytes.
        keys: of the runs.
        file: of the study, where all of it is meant; else empty.
    """

    study: str
    told: str
    runs: tuple[Recorded, ...]
    staying: tuple[Recorded, ...]
    results: dict[Result, int]
    keys: frozenset[str]
    file: str

    @classmethod
    def of(cls, query: Query, study: str, arm: str | None, run: str | None) -> ToRemove:
        """What a command line means.

        Args:
            query: to the record.
            study: name or file of a study.
            arm: one of its arms alone.
            run: one of its runs alone.

        Raises:
            StoreError: there is none such.
        """
        name, experiment = _named(query, study)
        plan = last_plans(query).get(experiment)
        if arm is not None:
            runs, told = _of_arm(query, name, plan, arm), f'arm "{arm}" of study "{name}"'
        elif run is not None:
            runs, told = _of_name(query, name, experiment, plan, run), f'run "{run}" of "{name}"'
        else:
            planned = _with_keys(query, _keys(plan))
            runs, told = [*_ours(query, experiment), *planned], f'study "{name}"'
        unique = {each.run_id: each for each in runs}
        elsewhere = StillNeeded(query, without=(experiment,)).keys()
        staying = [r for r in unique.values() if r.tags.get("key") in elsewhere]
        going = [r for r in unique.values() if r.tags.get("key") not in elsewhere]
        whole = arm is None and run is None
        gone = {each.tags["key"] for each in going if "key" in each.tags}
        rest = StillNeeded(query, without=(experiment,)) if whole else StillNeeded(query, gone=gone)
        left = gone | (_needs(going) | _keys(plan) if whole else set())
        file = plan.study_file if whole and plan else ""
        results = _results(query, left, rest)
        return cls(name, told, tuple(going), tuple(staying), results, frozenset(gone), file)


def _named(query: Query, wanted: str) -> tuple[str, str]:
    """The name of a study and MLflow's id of its experiment."""
    by_name = {name: each for each, name in query.connection.experiments().items()}
    if wanted in by_name:
        return wanted, by_name[wanted]  # also one that has no plan yet, or none that can be read
    name = recorded_study(query, wanted).study
    return name, by_name[name]


def _of_arm(query: Query, name: str, plan: StudyRecord | None, arm: str) -> list[Recorded]:
    cells = plan.judged if plan else ()
    keys = [cell.key for cell in cells if arm in cell.arm_names]
    if not keys:
        there = ", ".join(dict.fromkeys(cell.arm for cell in cells)) or "no plan that can be read"
        raise StoreError(f'study "{name}" has no arm "{arm}"; recorded are: {there}.')
    return _with_keys(query, keys)


def _of_name(
    query: Query, name: str, experiment: str, plan: StudyRecord | None, wanted: str
) -> list[Recorded]:
    """The runs of the plan that have a name, else those that the study's experiment has."""
    planned = _with_keys(query, _keys(plan))
    for among in (planned, _ours(query, experiment)):
        if found := [run for run in among if wanted in (run.run_id, run.called, run.name)]:
            return found
    raise StoreError(
        f'study "{name}" has no run "{wanted}" in the record; bench status prints their names, '
        "and with --format json their ids."
    )


def _ours(query: Query, experiment: str) -> list[Recorded]:
    """The runs of an experiment that a study left there, whatever others keep beside them."""
    found = [r for r in query.runs(experiment=experiment) if "key" in r.tags or "role" in r.tags]
    if not found:
        name = query.connection.experiments()[experiment]
        raise StoreError(f'no run of a study is recorded under "{name}" in {query.store.shown}.')
    return found


def _keys(plan: StudyRecord | None) -> set[str]:
    """Of all runs of a plan."""
    if plan is None:
        return set()
    return ({cell.key for cell in plan.judged} | {run.key for run in plan.runs}) - {""}


def _with_keys(query: Query, keys: Iterable[str]) -> list[Recorded]:
    return query.with_tag("key", keys)


def _needs(runs: Iterable[Recorded]) -> set[str]:
    """The keys of what some runs were made from."""
    return {key for run in runs for tag, key in run.tags.items() if tag.startswith("needs.")}


def _results(query: Query, keys: Collection[str], rest: StillNeeded) -> dict[Result, int]:
    """What of the cache is of these keys, and not needed."""
    there, needed = query.store.cache.results(), rest.results()
    return {each: there[each] for each in there if each[1] in keys and each not in needed}
