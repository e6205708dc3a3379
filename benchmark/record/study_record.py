"""What is recorded of a study: what it declared, and the run of every cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from benchmark.errors import StoreError
from benchmark.runs.key import key

if TYPE_CHECKING:
    from stats import Judging
    from stats.changes.swept_arms import SweptArms


@dataclass(frozen=True, kw_only=True)
class RecordedCell:
    """An arm on a task with a seed.

    Attributes:
        key: of its run; empty where tuning found no setting for it.
        metric: the task's own.
    """

    key: str
    model: str
    init: str
    method: str
    task: str
    seed: int
    metric: str

    @property
    def place(self) -> dict[str, str]:
        """Which arm on which task: what the seeds of a comparison share."""
        return {
            "model": self.model,
            "init": self.init,
            "method": self.method,
            "task": self.task,
        }

    @property
    def arm(self) -> str:
        """Its label, for instance "kd · pretrained"."""
        return f"{self.method} · {self.init}"

    @property
    def arm_names(self) -> tuple[str, str, str]:
        """What its arm may be called, the shortest first."""
        return self.method, self.arm, f"{self.arm} · {self.model}"


@dataclass(frozen=True, kw_only=True)
class RecordedSearch:
    """What was searched for some arms, and what came of it.

    Attributes:
        search: its name.
        members: model, init, method and task of each cell that takes its setting.
        space: in words.
        sampler: that proposed settings, or where they came from.
        pruner: that stopped trials early.
        seeds: of every trial.
        metric: of the objective, on dev.
        trials: settings that were tried; `pruned` and `failed` ones among them did not end.
        steps: training steps that all of it took.
        best: the chosen setting; None where there is none, for the reason in `problem`.
        dev: its score.
        gain_of_choice: points by which it exceeds the median setting; None where that is unknown.
        expected_best: expected score of the best of so many settings.
        importances: share of each hyper-parameter in the variance of the scores.
    """

    search: str
    trials: int
    steps: int
    space: str
    arms: tuple[str, ...] = ()
    members: tuple[tuple[str, ...], ...] = ()
    sampler: str = "?"
    pruner: str = "?"
    seeds: tuple[int, ...] = ()
    metric: str = ""
    pruned: int = 0
    failed: int = 0
    best: Mapping[str, Any] | None = None
    dev: float | None = None
    gain_of_choice: float | None = None
    expected_best: Mapping[str, float] = field(default_factory=dict)
    importances: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A run of a plan: of a cell, or one that others need.

    Attributes:
        name: for people, for instance "kd · pretrained · 42".
        role: "arm", "link", "teacher", "pretraining", "data", "features" or "probe".
        needs: by role, the keys of the runs that it needs.
    """

    key: str
    name: str
    role: str
    needs: Mapping[str, str]


@dataclass(frozen=True)
class UnregisteredJudging:
    """How scores are judged, by something which nobody has registered in this process.

    Attributes:
        rest: all else, with the defaults in place of that.
        names: what it is called, by the field of :class:`stats.Judging` that asks for it.
    """

    rest: Judging
    names: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """As it lies in the record."""
        return asdict(self.rest) | dict(self.names)


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """A study as its last run planned it, whatever has become of its file since.

    Attributes:
        study: its name.
        study_file: where it lay.
        study_digest: SHA-256 of that file.
        judging: how scores are judged.
        sizes: examples by task and split.
        cells: model by model, as the plan has them.
        tuning: every search.
        runs: those of the cells and all that they need, each after those that it needs; none in
            plans of earlier versions.
        sweeps: candidates that differ in one ordered hyper-parameter alone.
        probes: of the encoders that the cells leave, and of anchors.
        probe_sizes: examples by task and split of what is probed.
        chains: inits of encoders that are probed at every link, from the untouched one on.
    """

    study: str
    study_file: str
    study_digest: str
    baseline: str
    candidates: tuple[str, ...]
    judging: Judging | UnregisteredJudging
    sizes: Mapping[str, Mapping[str, int]]
    seeds: tuple[int, ...]
    cells: tuple[RecordedCell, ...]
    tuning: tuple[RecordedSearch, ...] = ()
    runs: tuple[PlannedRun, ...] = ()
    sweeps: tuple[SweptArms, ...] = ()
    probes: tuple[RecordedCell, ...] = ()
    probe_sizes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    chains: tuple[tuple[str, ...], ...] = ()

    @property
    def judged(self) -> tuple[RecordedCell, ...]:
        """Everything that has a score."""
        return (*self.cells, *self.probes)

    def of_probes(self) -> StudyRecord:
        """The study whose cells are the probes of this one.

        Verdicts are on each task at each link; what is declared of tasks together is said of those
        that are trained on, and a link is no init whose effects are held against another's.

        Raises:
            StoreError: it has none.
        """
        if not self.probes:
            raise StoreError(
                f'study "{self.study}" has no probes; declare Study(probes=Probes(...)), and run '
                "it again: what is recorded is not trained anew."
            )
        judging = replace(self.require_judging(), tasks=None, scale=None, reference_init=None)
        return replace(
            self,
            study=f"{self.study} · probes",
            judging=judging,
            cells=self.probes,
            sizes=self.probe_sizes,
            sweeps=(),
            tuning=(),
        )

    @property
    def arms(self) -> tuple[str, ...]:
        """The baseline, then its candidates."""
        return (self.baseline, *self.candidates)

    @cached_property
    def digest(self) -> str:
        """What tells one plan of a study from another, wherever its file lies."""
        return key({name: value for name, value in self.as_json().items() if name != "study_file"})

    def require_judging(self) -> Judging:
        """How scores are judged.

        Raises:
            StoreError: by a test, an effect size or a correction that this process does not know.
        """
        if not isinstance(self.judging, UnregisteredJudging):
            return self.judging
        strange = ", ".join(f'the {what} "{name}"' for what, name in self.judging.names.items())
        raise StoreError(
            f'study "{self.study}" is judged by {strange}, which armbench itself does not have: if '
            "its study file registers that, bench run on the file judges by it, and trains nothing "
            "again; else another version of armbench may have it."
        )

    def as_json(self) -> dict[str, Any]:
        """In plain lists and dicts, as :meth:`from_json` reads them."""
        told = asdict(self)
        if not self.probes:  # records of studies without any stay as they are
            del told["probes"], told["probe_sizes"], told["chains"]
        if isinstance(self.judging, UnregisteredJudging):
            told["judging"] = self.judging.as_json()
        return told

    @classmethod
    def from_json(cls, plan: Mapping[str, Any]) -> StudyRecord:
        """A plan as this version reads it, whichever wrote it.

        What a later version adds is left out, but for how scores are judged: a verdict that passes
        over a part of that is another one. How scores are judged, and what came of searches, take
        the defaults for what an earlier one did not ask.

        Raises:
            StoreError: something is missing that has no default, or is of another kind; or scores
                are judged by what this version does not know.
        """
        from stats import Judging, StatsError

        try:
            if strange := _strange(Judging, plan["judging"]):
                raise StoreError(
                    f'study "{plan.get("study", "?")}" was recorded by another version, which '
                    f"judges by {', '.join(strange)} too: judge it by that version. bench run "
                    "writes its plan anew, as the study file has it, and trains nothing again."
                )
            return cls(
                **_known(cls, plan)
                | {
                    "candidates": tuple(plan["candidates"]),
                    "judging": _judging(_known(Judging, plan["judging"])),
                    "seeds": tuple(plan["seeds"]),
                    "cells": tuple(
                        RecordedCell(**_known(RecordedCell, each)) for each in plan["cells"]
                    ),
                    "tuning": tuple(_search(each) for each in plan.get("tuning", ())),
                    "runs": tuple(
                        PlannedRun(**_known(PlannedRun, each)) for each in plan.get("runs", ())
                    ),
                    "probes": tuple(
                        RecordedCell(**_known(RecordedCell, each))
                        for each in plan.get("probes", ())
                    ),
                    "chains": tuple(map(tuple, plan.get("chains", ()))),
                    "sweeps": tuple(_sweep(each) for each in plan.get("sweeps", ())),
                }
            )
        except (KeyError, TypeError, AttributeError, ValueError, StatsError) as error:
            raise StoreError(
                f'study "{plan.get("study", "?")}" was recorded by an older version; bench run '
                "writes its plan anew, and trains nothing again."
            ) from error


def _search(plan: Mapping[str, Any]) -> RecordedSearch:
    known = _known(RecordedSearch, plan)
    for name in ("arms", "seeds"):
        if name in known:
            known[name] = tuple(known[name])
    if "members" in known:
        known["members"] = tuple(tuple(member) for member in known["members"])
    return RecordedSearch(**known)


def _sweep(plan: Mapping[str, Any]) -> SweptArms:
    from stats.changes.swept_arms import SweptArms

    known = _known(SweptArms, plan)
    return SweptArms(**known | {name: tuple(known[name]) for name in ("arms", "values")})


def _strange(kind: type, plan: Mapping[str, Any]) -> list[str]:
    """What was recorded and no field of a dataclass of this version has."""
    return sorted(plan.keys() - {each.name for each in fields(kind)})


def _judging(declared: dict[str, Any]) -> Judging | UnregisteredJudging:
    from stats import Judging

    names = _unregistered(declared)
    known = Judging(**{name: value for name, value in declared.items() if name not in names})
    return UnregisteredJudging(known, names) if names else known


def _unregistered(judging: Mapping[str, Any]) -> dict[str, str]:
    """What scores are judged by and nobody has registered, by the field that asks for it."""
    from stats.register import (
        CORRECTIONS,
        PAIRED_EFFECTS,
        PAIRED_TESTS,
        UNPAIRED_EFFECTS,
        UNPAIRED_TESTS,
    )

    registered = {
        "test": (*PAIRED_TESTS, *UNPAIRED_TESTS),
        "effect": (*PAIRED_EFFECTS, *UNPAIRED_EFFECTS),
        "correction": tuple(CORRECTIONS),
    }
    asked = {what: judging.get(what) for what in registered}
    return {
        what: name
        for what, name in asked.items()
        if isinstance(name, str) and name and name not in registered[what]
    }


def _known(kind: type, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Of what was recorded, the fields that a dataclass of this version has."""
    return {each.name: plan[each.name] for each in fields(kind) if each.name in plan}
