"""Commands × states of a record: each cell ends with an exit code and a sentence."""

import socket
from pathlib import Path

import pytest

from benchmark.commands.ui import HOST
from tests.benchmark.states import STAGES, make_states

HALF = tuple(f"killed in {stage}" for stage in STAGES)
WHOLE = ("full", "failed runs", "of a later version", "another margin", "no cache", "no searches")
CHANGED = ("an arm added", "an arm renamed")
#: Why each is refused.
REFUSED = {
    "of an older version": "was recorded by an older version",
    "judged by a later version": "judges by one_sided too",
}
STATES = ("empty", *HALF, *WHOLE, *CHANGED, *REFUSED)
#: Those that `make test-all` looks at; `make test-long` looks at all.
FEW = ("full",)
STUDY = "states.py"

#: Commands that only look, in an order in which none needs the one before it.
LOOKING = {
    "plan": ("plan", STUDY),
    "stats": ("stats",),
    "stats of a file": ("stats", STUDY),
    "rank": ("stats", "--rank"),
    "bayes": ("stats", "--bayes"),
    "tasks": ("stats", "--tasks", "fixed"),
    "power": ("power", STUDY),
    "trend": ("trend", "--dose", "scratch=0", "pretrained=100"),
    "report": ("report",),
    "status": ("status",),
    "status of a file": ("status", STUDY),
    "submit": ("submit", STUDY),
}


@pytest.fixture(scope="module")
def states(tmp_path_factory) -> dict[str, Path]:
    return make_states(tmp_path_factory.mktemp("states"))


def expected(command: str, state: str) -> tuple[int, str]:
    """The exit code, and a part of what is said."""
    if command == "plan":
        return 0, "Smallest corrected p"
    if command == "submit":
        return 2, "is no task of GLUE"
    if command.startswith("status") and state not in ("empty", *REFUSED):
        tuning = state in HALF and state != "killed in arm"
        return 0, "first searches are not over" if tuning else "finished"
    if command == "power":
        if state in ("no searches", "an arm renamed") or state in HALF or state == "empty":
            return 2, "is not known yet"
        return 2, "all differences are equal"  # so tiny a study gives no spread
    if state == "empty":
        return 2, "there is no record"
    if state in HALF:
        return 2, "no run has finished" if state == "killed in arm" else "is recorded in"
    if state in REFUSED:
        return 2, REFUSED[state]
    if state == "failed runs" and command in ("rank", "tasks", "trend"):
        return 2, "two seeds" if command == "trend" else "two are needed"
    if command == "trend":
        return 0, "slope"
    return 0, "report.html" if command == "report" else "states"


def retried(state: str) -> tuple[int, str]:
    """The same of `bench retry`."""
    if state == "empty":
        return 2, "there is no record"
    if state in (*HALF[:-1], "no searches", "an arm renamed"):
        return 2, "its searches are not over"
    if state == "failed runs":
        return 0, "2 that failed trained again"
    return 0, "no run has failed"


@pytest.mark.slow
@pytest.mark.parametrize(
    "state",
    [each if each in FEW else pytest.param(each, marks=pytest.mark.long) for each in STATES],
)
def test_every_command_ends_with_a_sentence(state, states, bench, monkeypatch):
    folder = states[state]
    monkeypatch.chdir(folder)
    wrong = []

    def check(name: str, code: int, said: str, *arguments: object) -> None:
        done = bench(*arguments)
        told = " ".join((done.stdout + done.stderr).split())
        if done.returncode != code or said not in told or "Traceback" in told:
            wrong.append(f"{name}: {done.returncode}, not {code} with {said!r}: {told[-600:]}")

    for name, arguments in LOOKING.items():
        check(name, *expected(name, state), *arguments)
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        said = "there is no record" if state == "empty" else "another program has it"
        check("ui", 2, said, "ui", "--port", port)
    own = "base vs own" if state == "an arm renamed" else "base vs self_kd"
    check("retry", *retried(state), "retry", STUDY, "--workers", 2)
    # What was done is kept, what is missing is made, and then nothing is left to do.
    check("tune", 0, "base · pretrained", "tune", STUDY, "--workers", 2)
    check("run", 0, own, "run", STUDY, "--workers", 2)
    check("run again", 0, "cached", "run", STUDY)
    check("stats in the end", 0, own, "stats", STUDY)
    check("gc", 0, "cache", "gc", "--yes")
    check("rm without a terminal", 2, "there is no terminal to ask at", "rm", STUDY)
    check("rm", 0, "Removed", "rm", STUDY, "--yes")
    check("stats of nothing", 2, "is recorded in", "stats", STUDY)
    check("status of nothing", 2, "is recorded in", "status", "states")
    assert not wrong, "\n".join(wrong)


def kept_in(folder: Path) -> list[Path]:
    """All files but those that Python makes, and sqlite beside what this process has open."""
    passing = ("__pycache__", "-wal", "-shm")
    return sorted(path for path in folder.rglob("*") if not str(path).endswith(passing))


@pytest.mark.long
@pytest.mark.slow
def test_a_smoke_run_touches_no_record(states, bench, monkeypatch):
    folder = states["killed in arm"]
    monkeypatch.chdir(folder)
    before = kept_in(folder)
    assert bench("run", "--smoke", STUDY).returncode == 0
    assert kept_in(folder) == before
