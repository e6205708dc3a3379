"""The record is asked once and for what is needed, and answers as if all of it were read."""

import subprocess
import sys
from dataclasses import replace

import pytest

from benchmark.errors import RecordLost
from benchmark.record import query as asking
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.session import session
from benchmark.store import connection
from benchmark.store.connection import Connection, preload


@pytest.fixture(params=["a file", pytest.param("a server", marks=pytest.mark.slow)])
def filled(request, query, writer, monkeypatch) -> Query:
    """A record with runs of two studies; asked as a server is, where no file may be read."""

    def record(study: str, name: str, status="FINISHED", scores=None, **tags: str) -> str:
        run = writer.start(writer.experiment(study), name, tags, {})
        writer.end(run, status, f"ended as {name}", {}, scores or {})
        return run

    record("one", "taught", scores={"test/accuracy": 1.0}, key="a", kind="long", teacher="none")
    writer.tag(query.finished()["a"].run_id, {"needs.teacher": "b", "needs.data": "d"})
    record("two", "teacher", key="b", kind="short", **{"needs.body": "c"})
    record("two", "body", key="c", kind="shortest")
    record("one", "early", key="e", kind="long")
    record("two", "tested", scores={"test/accuracy": 2.0}, key="e", kind="long")
    record("one", "late", scores={"test/accuracy": 3.0}, key="e", kind="long")
    record("two", "first attempt", "FAILED", key="f")
    record("one", "last attempt", "KILLED", key="f")
    writer.withdraw(record("one", "withdrawn", key="g", kind="long"))
    record("gone", "of a deleted study", key="h", kind="long")
    query.connection.client.delete_experiment(writer.experiment("gone"))
    monkeypatch.setattr(asking, "_ONE_BY_ONE", 2)
    if request.param == "a server":
        monkeypatch.setattr(Connection, "database", None)
    return query


def called(found: dict[str, Recorded]) -> dict[str, str]:
    return {key: run.called for key, run in found.items()}


@pytest.mark.parametrize(
    "keys", ["ae", *(pytest.param(k, marks=pytest.mark.slow) for k in ("", "a", "abcefgh", "fgh"))]
)
def test_a_list_of_keys_finds_what_a_look_at_all_runs_finds(filled, keys):
    every = called(filled.finished())
    assert every == {"a": "taught", "b": "teacher", "c": "body", "e": "tested"}
    assert called(filled.finished(keys)) == {k: every[k] for k in every if k in keys}
    assert called(filled.finished([*keys, ""])) == {k: every[k] for k in every if k in keys}


def test_runs_are_found_with_all_that_they_needed(filled):
    assert {"a", "b", "c"} <= filled.finished_with_needs(["a"]).keys()
    assert filled.finished_with_needs(["a"])["a"].needs == {"teacher": "b"}


def test_runs_that_take_equally_long_are_found_by_their_kind(filled):
    assert called(filled.finished_of_kinds(["long", "longest"])) == {"a": "taught", "e": "tested"}
    assert filled.finished_of_kinds([]) == {}


def test_the_last_attempt_tells_why_a_key_has_not_finished(filled):
    assert filled.last_reasons("afg") == {"f": "ended as last attempt"}
    assert filled.last_reasons([]) == {}


def test_a_file_says_of_a_run_what_mlflow_says(query, writer, monkeypatch):
    experiment = writer.experiment("x")
    run = writer.start(experiment, "a · 1", {"key": "a", "note": "ä"}, {"lr": 0.1, "size": 3})
    for step, loss in enumerate((2.0, float("inf"), float("nan"))):
        writer.log(run, {"loss": loss, "step": step}, step)
    writer.tag(run, {"note": "changed"})
    writer.end(writer.start(experiment, "a · 2", {"key": "a"}, {}), "FAILED", "diverged")
    told = query.with_tag("key", "a")
    monkeypatch.setattr(Connection, "database", None)
    asked = map(alike, query.with_tag("key", "a"), told)
    assert [*map(repr, told)] == [*map(repr, asked)]  # of which NaN is like itself
    assert [each.status for each in told] == ["RUNNING", "FAILED"]


def test_a_record_is_read_without_mlflow_as_with_it(query, writer):
    experiment = writer.experiment("x")
    run = writer.start(experiment, "a · 1", {"key": "a", "role": "arm"}, {"lr": 0.1})
    for step, loss in enumerate((2.0, float("inf"), float("nan"), 1.0)):
        writer.log(run, {"loss": loss}, step)
    writer.log(run, {"loss": 0.5}, 3)
    (query.connection.artifacts_of(run) / "kept").mkdir(parents=True)
    directly = Query(Connection(query.store))
    assert repr(directly.curve(run, "loss")) == repr(query.curve(run, "loss"))
    assert directly.curve(run, "loss")[3] == 0.5
    assert directly.connection.experiments() == query.connection.experiments()
    assert directly.artifact(run, "kept") == query.artifact(run, "kept")
    assert [repr(r.tags) for r in directly.of_role("arm")] == [
        repr(r.tags) for r in query.of_role("arm", experiment)
    ]
    assert "client" not in vars(directly.connection)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["stats"],
        pytest.param(["plan", "recorded.py"], marks=pytest.mark.slow),
        pytest.param(["report", "--out", "out"], marks=pytest.mark.long),
    ],
)
def test_commands_that_only_read_a_record_import_no_mlflow(answer, arguments):
    answer("run", "recorded.py")
    code = (
        "import sys; from benchmark.cli import main; main(sys.argv[1:]); "
        "sys.exit('mlflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def alike(run: Recorded, other: Recorded) -> Recorded:
    """The same, with what it holds in the order of another one."""
    held = ("scores", "tags", "parameters")
    ordered = {name: {k: getattr(run, name)[k] for k in getattr(other, name)} for name in held}
    assert all(len(ordered[name]) == len(getattr(run, name)) for name in held)
    return replace(run, **ordered)


def test_a_record_that_was_taken_away_is_not_made_anew_by_a_question(query, writer):
    writer.experiment("x")
    query.store.database.unlink()
    with pytest.raises(RecordLost, match="deleted or moved away"):
        query.finished(["a"])
    assert not query.store.exists()


@pytest.mark.parametrize(
    ("arguments", "plans", "looks"),
    [(["run", "recorded.py"], 1, 1), (["plan", "recorded.py"], 1, 1), (["stats"], 0, 1)],
)
def test_a_command_with_nothing_to_train_makes_its_plan_once_and_asks_the_record_once(
    answer, monkeypatch, arguments, plans, looks
):
    answer("run", "recorded.py")  # the study last run is this one, and its report is recorded
    made, looked, chosen = [], [], []

    def counted(calls, function):
        return lambda *args, **kwargs: calls.append(args) or function(*args, **kwargs)

    monkeypatch.setattr(session, "make_plan", counted(made, session.make_plan))
    monkeypatch.setattr(Connection, "rows_with", counted(looked, Connection.rows_with))
    monkeypatch.setattr(asking, "_by_key", counted(chosen, asking._by_key))
    answer(*arguments)
    assert len(made) == plans
    assert [tag for _, tag, *_ in looked].count("key") == len(chosen) == looks


def test_the_installed_mlflow_has_the_function_whose_answer_workers_share():
    from mlflow.store.db import utils

    preload()
    shared = getattr(utils, connection._LATEST)
    assert shared.cache_info().currsize == 1
    assert shared() == shared.__wrapped__()
