"""Verdicts in MLflow, beside the seeds that they are made of.

The run `verdict` of an experiment carries the report and, as metrics, what its tables hold. Each
arm has a run of its own too, with mean and sd over seeds, and the runs of its seeds below it.
Neither has a key, so that no run of a study is ever taken for one of these or the other way round.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from benchmark.record.recorded import Recorded
from benchmark.record.writer import Writer
from benchmark.report.gather import PLACE, Gathered
from benchmark.report.names import plain_names
from benchmark.runs.key import key
from stats import ComparisonResult
from stats.changes.interaction import Interaction
from stats.many_tasks.pooled import Pooled
from stats.report.formats.markdown import to_markdown
from stats.verdicts.analyse import Analysis

#: Tags of the run with a study's verdicts, and of those that hold what an arm's seeds share.
VERDICT_ROLE, SUMMARY_ROLE = "verdict", "summary"
#: Raised when what is recorded here changes, so that it is recorded anew.
REVISION = 4


_POOLING = ("tasks", "scale", "common_margin")


def record_report(
    gathered: Gathered, writer: Writer, provenance: Callable[[], Mapping[str, str]]
) -> str:
    """Record the report of a study unless that has been done; an earlier one is withdrawn.

    Args:
        gathered: of the study.
        writer: where it is kept.
        provenance: tags, asked for only where there is something new.

    Returns:
        MLflow's id of the run that carries it.
    """
    experiment = writer.experiment(gathered.record.study)
    with writer.store.cache.runs.holding(f"verdict-{experiment}"):
        known = gathered.query.of_role(VERDICT_ROLE, experiment)
        digest = _digest(gathered)
        for run in known:
            if run.tags.get("digest") == digest and run.status == "FINISHED":
                return run.run_id
        tags = provenance()
        _record_arms(gathered, writer, experiment, tags)
        run_id = _record_verdict(gathered, writer, experiment, {**tags, "digest": digest})
        for earlier in known:
            writer.withdraw(earlier.run_id)
    return run_id


def _digest(gathered: Gathered) -> str:
    """What the report is made of: the plan, and the run and fate of every cell."""
    runs = [run.identity for _, run in gathered.runs]
    status = gathered.scores["status"].tolist()
    made_of = {"revision": REVISION, "plan": gathered.record.digest}
    if gathered.probed:
        made_of["probes"] = gathered.probed.scores["status"].tolist()
    return key(made_of | {"runs": runs, "status": status})


def _record_verdict(
    gathered: Gathered, writer: Writer, experiment: str, tags: Mapping[str, str]
) -> str:
    record, judging = gathered.record, gathered.judging
    parameters = {
        **{n: getattr(judging, n) for n in ("margin", "alpha", "correction", "family")},
        **{n: getattr(judging, n) for n in ("test", "effect", "equivalence")},
        **{n: each for n in _POOLING if (each := getattr(judging, n)) is not None},
        "baseline": record.baseline,
        "candidates": ", ".join(record.candidates),
        "seeds": ", ".join(map(str, record.seeds)),
    }
    told = {**tags, "role": VERDICT_ROLE, "study_file": record.study_file}
    run_id = writer.start(experiment, "verdict", told, parameters)
    ended = False
    from benchmark.report.files import write_report  # draws, and a study without news does not

    try:
        with writer.store.cache.scratch() as folder:
            report = write_report(gathered, folder, for_paper=False)
            writer.attach_folder(run_id, folder)
            note = (folder / "report.md").read_text(encoding="utf-8")
        writer.note(run_id, note)
        writer.describe(experiment, to_markdown([report.words]))
        writer.end(run_id, "FINISHED", "finished", _verdicts(gathered), metrics_of(gathered))
        ended = True
    finally:
        if not ended:
            writer.end(run_id, "KILLED", "interrupted")
    return run_id


def _named(gathered: Gathered) -> Iterator[tuple[str, ComparisonResult]]:
    """Every comparison with a name for its metrics."""
    found: list[tuple[tuple[str, ...], ComparisonResult]] = []
    for result in gathered.verdicts:
        over = ("all tasks",) if isinstance(result, Pooled) else ()
        for each in result.comparisons:
            versus = f"{each.candidate} vs {each.baseline}"
            found.append(((versus, *over, *_where(each, result)), each))
    names = plain_names(name for name, _ in found)
    for name, each in found:
        yield names[name], each


def _where(each: ComparisonResult, result: Analysis | Pooled) -> list[str]:
    """What tells the place of a comparison from the places of the others."""
    places = {(c.task, c.model, c.init) for c in result.comparisons}
    own = (each.task, each.model, each.init)
    return [own[i] for i in (2, 0, 1) if len({place[i] for place in places}) > 1]


def _verdicts(gathered: Gathered) -> dict[str, str]:
    return {f"verdict.{name}": each.verdict for name, each in _named(gathered)}


def metrics_of(gathered: Gathered) -> dict[str, float]:
    """Differences, intervals, p-values and effect sizes, as MLflow shows them in charts."""
    fields = {
        "difference": "mean_difference",
        "ci_low": "ci_low",
        "ci_high": "ci_high",
        "p_corrected": "p_adjusted",
        "p_equivalence_corrected": "p_equivalence_adjusted",
        "effect_size": "effect_size",
        "n_pairs": "n_pairs",
    }
    values = {
        f"{metric}/{name}": float(getattr(each, field))
        for name, each in _named(gathered)
        for metric, field in fields.items()
    }
    for name, change in _named_interactions(gathered.analysis):
        values[f"interaction/{name}"] = change.difference_of_differences
        values[f"p_corrected_interaction/{name}"] = change.p_adjusted
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _named_interactions(analysis: Analysis) -> Iterator[tuple[str, Interaction]]:
    """Every interaction with a name for its metrics."""
    places = [(i.task, i.model, *i.inits) for i in analysis.interactions]
    found = []
    for place, each in zip(places, analysis.interactions, strict=True):
        varying = [part for k, part in enumerate(place) if len({p[k] for p in places}) > 1]
        found.append(((f"{each.candidate} vs {each.baseline}", *varying), each))
    names = plain_names(name for name, _ in found)
    for name, each in found:
        yield names[name], each


def _record_arms(
    gathered: Gathered, writer: Writer, experiment: str, tags: Mapping[str, str]
) -> None:
    """A run for each arm and task with what its seeds share, and its seeds below it."""
    known = {
        tuple(run.tags.get(name, "") for name in PLACE): run.run_id
        for run in gathered.query.of_role(SUMMARY_ROLE, experiment)
    }
    arms: dict[tuple[str, ...], list[Recorded]] = {}
    for cell, run in gathered.runs:
        arms.setdefault(tuple(cell.place.values()), []).append(run)
    shown = _shown(arms)
    for place, runs in arms.items():
        about = {**dict(zip(PLACE, place, strict=True)), "arm": shown[place]}
        run_id = known.get(place) or writer.start(
            experiment, shown[place], {**tags, **about, "role": SUMMARY_ROLE}, {}
        )
        for step, metrics in _mean_curve(gathered, place).items():
            writer.log(run_id, metrics, step)
        writer.end(run_id, "FINISHED", "finished", {}, _over_seeds(runs))
        for run in runs:
            mine = run.experiment == experiment and run.tags.get("role") == "arm"
            if mine and run.tags.get("mlflow.parentRunId") != run_id:
                writer.tag(run.run_id, {"mlflow.parentRunId": run_id, "arm": shown[place]})


def _shown(places: Mapping[tuple[str, ...], Any]) -> dict[tuple[str, ...], str]:
    """The label of each arm, with task and model where there are several."""
    several = [len({place[i] for place in places}) > 1 for i in range(len(PLACE))]
    return {
        place: " · ".join([place[2], place[1], *(place[i] for i in (3, 0) if several[i])])
        for place in places
    }


def _over_seeds(runs: list[Recorded]) -> dict[str, float]:
    """Mean and sd of every number that all of an arm's seeds have, and how many they are."""
    shared = set.intersection(*(set(run.scores) for run in runs))
    found = {"n": float(len(runs))}
    for name in sorted(shared):
        if name.startswith("epoch/"):
            continue
        values = np.array([run.scores[name] for run in runs])
        found[name] = float(values.mean())
        if len(values) > 1:
            found[f"{name}.sd"] = float(values.std(ddof=1))
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _mean_curve(gathered: Gathered, place: tuple[str, ...]) -> dict[int, dict[str, float]]:
    """Mean score on dev after each epoch that every seed has come to."""
    curves = gathered.curves
    own = curves[(curves[list(PLACE)].astype(str) == list(place)).all(axis=1)]
    seeds = own["seed"].nunique()
    metric = own["metric"].iloc[0] if len(own) else ""
    return {
        epoch: {f"epoch/{metric}": float(at["score"].mean())}
        for epoch in sorted(set(own["epoch"].tolist()))
        if len(at := own[own["epoch"] == epoch]) == seeds
    }
