"""Runs whose numbers may differ are never compared in silence, and never paired."""

import json
from pathlib import Path

import pytest

from benchmark.checks.mixing import settle
from benchmark.errors import StudyError
from benchmark.record.environment import TrainedIn, environment_of
from benchmark.record.of_study import study_record
from benchmark.record.recorded import Recorded
from benchmark.runs.plan import make_plan
from tests.benchmark.runs.test_plans_and_keys import TEACHER, study_of
from trainers.methods import KD, LS, Base, SelfKD

OLD, NEW = {"torch": "2.13.0", "numpy": "2.4.0"}, {"torch": "2.14.0", "numpy": "2.4.0"}


def recorded(environment, run):
    """A finished run of an environment."""
    tags = {f"version.{name}": version for name, version in environment.items()} | run.tags()
    return Recorded(run_id="", scores={"test/accuracy": 60.0}, seconds=1.0, kind="", tags=tags)


def trained_in(environment, plan, keys=None):
    """A record in which runs of a plan are finished, all or some."""
    return {
        k: recorded(environment, run)
        for k, run in plan.runs.items()
        if run.tracked and (keys is None or k in keys)
    }


def settled(plan, finished, choice=None, here=NEW):
    def look(keys):
        return {k: finished[k] for k in keys if k in finished}

    return settle(plan, look(plan.runs), lambda run: here, choice, look)


@pytest.fixture(scope="module")
def plan():
    return make_plan(
        study_of(
            [Base(), LS(), SelfKD(), KD(teacher=TEACHER)],
            seeds=(1, 2, 3, 4),
            allow_underpowered=True,
        )
    )


def of_seeds(plan, *seeds):
    """Keys of the cells of some seeds, and of all that these need."""
    wanted, keys = [], set()
    for (_, _, seed), key in zip(plan.study.cells(), plan.cells, strict=True):
        wanted += [key] if seed in seeds else []
    while wanted:
        keys.add(key := wanted.pop())
        wanted += [need.key for need in plan.runs[key].needs.values()]
    return keys


def test_one_environment_asks_nothing_and_changes_no_key(plan):
    for finished in ({}, trained_in(NEW, plan, of_seeds(plan, 1)), trained_in(OLD, plan)):
        assert settled(plan, finished) == plan


def test_what_cannot_change_numbers_is_no_environment():
    tags = {"version.torch": "2.13.0", "python": "3.11.7", "version.mlflow": "3.1"}
    other = {**tags, "python": "3.11.9", "version.mlflow": "3.2", "platform": "another host"}
    assert environment_of(tags) == environment_of(other)
    assert environment_of(tags) != environment_of({**tags, "python": "3.12.1"})


def test_a_mixture_is_refused_with_both_environments_and_their_runs(plan):
    finished = trained_in(OLD, plan, of_seeds(plan, 1, 2, 3))
    with pytest.raises(StudyError, match="2 environments") as raised:
        settled(plan, finished)
    said = str(raised.value)
    assert "24 with torch 2.13.0; 8 with torch 2.14.0" in said
    assert "numpy" not in said
    assert "--environments anew trains 32 runs here" in said
    assert "--environments mix keeps what is recorded and trains 8," in said


def test_anew_trains_everything_here_teachers_and_pretraining_too(plan):
    finished = trained_in(OLD, plan, of_seeds(plan, 1, 2, 3))
    anew = settled(plan, finished, "anew")
    assert not {k for k, run in anew.runs.items() if run.tracked} & finished.keys()
    assert [run.role for run in anew.runs.values()] == [run.role for run in plan.runs.values()]
    done = finished | trained_in(NEW, anew)
    assert settled(plan, done) == anew  # what was chosen once is not asked again
    assert settled(plan, done, "anew") == anew


def test_a_mixture_that_is_accepted_has_every_seed_in_one_environment(plan):
    some = of_seeds(plan, 1, 2, 3) - {plan.cells[0]}  # of seed 1, base and those it teaches
    finished = trained_in(OLD, plan, some)
    mixed = settled(plan, finished, "mix")
    kept = {k for k in mixed.cells if k in finished}
    assert kept == of_seeds(plan, 2, 3) & {*plan.cells}
    for key in {*mixed.cells} - kept:  # nothing of the other environment below them
        todo = [key]
        while todo:
            run = mixed.runs[todo.pop()]
            assert run.key not in finished
            todo += [need.key for need in run.needs.values()]
    done = finished | trained_in(NEW, mixed, {*mixed.runs} - finished.keys())
    assert settled(plan, done) == mixed


def test_a_teacher_of_another_environment_counts(plan):
    teacher = next(k for k, run in plan.runs.items() if run.role == "teacher")
    with pytest.raises(StudyError, match="2 environments"):
        settled(plan, trained_in(OLD, plan, {teacher}))


def test_every_run_of_a_settled_plan_stands_after_those_it_needs(plan):
    for choice in ("anew", "mix"):
        seen = set()
        for k, run in settled(plan, trained_in(OLD, plan, of_seeds(plan, 1)), choice).runs.items():
            assert k == run.key
            assert {need.key for need in run.needs.values()} <= seen
            seen.add(k)


def test_a_pair_of_two_environments_is_named_and_not_judged():
    plan = make_plan(study_of([Base(), LS()], seeds=(1, 2), allow_underpowered=True))
    record, finished = study_record(plan, Path(__file__)), trained_in(OLD, plan)
    assert TrainedIn.of(record, finished).notes() == []
    lone = next(c.key for c in record.cells if c.method == "ls" and c.seed == 2)
    finished[lone] = recorded(NEW, plan.runs[lone])
    trained = TrainedIn.of(record, finished)
    (note,) = trained.notes()
    assert "7 with torch 2.13.0; 1 with torch 2.14.0" in note
    assert trained.strangers(record) == {lone: "trained with torch 2.14.0, unlike its partners"}


@pytest.mark.slow
def test_a_study_goes_on_under_other_libraries_only_as_it_is_told(small, bench, query, writer):
    small.write_text(small.read_text().replace('["pretrained", "scratch"]', '["scratch"]'))
    first = bench("run", small, "--workers", 2)
    assert first.returncode == 0, first.stdout + first.stderr
    for run in query.finished().values():
        assert {"version.torch", "device_kind"} <= run.tags.keys()
        writer.tag(run.run_id, {"version.torch": "1.0.0"})
    assert bench("run", small).returncode == 0  # nothing to train: nothing is mixed
    small.write_text(small.read_text().replace("seeds=(1, 2, 3)", "seeds=(1, 2, 3, 4)"))
    for command in ("plan", "run"):
        refused = bench(command, small)
        assert refused.returncode == 2
        (line,) = refused.stderr.strip().splitlines()
        assert "6 with torch 1.0.0; 2 with torch " in line
    mixed = bench("run", small, "--environments", "mix", "--workers", 2)
    assert mixed.returncode == 0, mixed.stderr
    assert "8 runs in the comparison, 6 cached" in mixed.stdout
    warning = "The runs are of 2 environments"
    assert warning in " ".join(mixed.stdout.split())
    for form in ("table", "markdown", "latex", "csv", "json"):
        assert warning in " ".join(bench("stats", "--format", form).stdout.split())
    anew = bench("run", small, "--environments", "anew", "--workers", 2)
    assert "8 runs in the comparison, 2 cached" in anew.stdout, anew.stderr
    assert warning not in " ".join(anew.stdout.split())
    assert "8 cached" in bench("run", small).stdout
    assert json.loads(bench("stats", "--format", "json").stdout)
