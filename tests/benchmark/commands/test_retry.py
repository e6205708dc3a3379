"""`bench retry`: what failed is trained again, and what waits for it; nothing else is touched."""

from collections import Counter

import pytest

from tests.benchmark.attempted import Attempted
from tests.benchmark.commands.test_running_a_study import statuses

DIVERGING = """
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Shaky(Base):
    name: ClassVar[str] = "shaky"

    def loss(self, step):
        return super().loss(step) * float("inf")
"""


@pytest.fixture
def attempted(small) -> Attempted:
    return Attempted(small)


def finished(attempted: Attempted) -> set[str]:
    """Names of finished runs."""
    return {run.called for run in attempted.query.finished().values()}


def test_what_failed_is_trained_and_what_waits_for_it_and_nothing_else(attempted, bench):
    attempted.fail("base · scratch · 2", "died: its worker was ended by SIGKILL")
    attempted.stop("base · scratch · 1")
    attempted.stop("self_kd · scratch · 2")  # which learns from base · scratch · 2
    done = bench("retry", attempted.file, "--workers", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "1 that failed trained again, then 1 waiting for that; 10 left to bench run" in done.stdout
    )
    assert finished(attempted) == {"base · scratch · 2", "self_kd · scratch · 2"}
    assert Counter(statuses(attempted.query)) == {"FAILED": 1, "KILLED": 2, "FINISHED": 2}
    again = bench("retry", attempted.file)
    assert (again.returncode, again.stdout) == (0, "small: no run has failed.\n")
    assert len(statuses(attempted.query)) == 5


@pytest.mark.slow
def test_the_failure_of_what_others_start_from_frees_all_of_them(attempted, bench):
    (body,) = [run.name for run in attempted.plan.runs.values() if run.role == "pretraining"]
    attempted.fail(body, "unreadable: OSError: no such disk")
    attempted.fail("base · scratch · 1", "diverged: the loss was nan in epoch 1")
    done = bench("retry", attempted.file, "--workers", 2, "--only", "unreadable")
    assert done.returncode == 0, done.stdout + done.stderr
    pretrained = {run.name for run in attempted.plan.runs.values() if "· pretrained ·" in run.name}
    assert finished(attempted) == pretrained | {body}


def test_a_reason_for_which_nothing_failed_is_refused_with_those_that_are_there(attempted, bench):
    attempted.fail("base · scratch · 1", "diverged: the loss was nan in epoch 1")
    attempted.fail("base · scratch · 2", "out of memory: 3 GiB were asked for")
    attempted.fail("base · scratch · 3", "out of memory: 3 GiB were asked for")
    done = bench("retry", attempted.file, "--only", "died")
    assert done.returncode == 2
    assert 'no run failed as "died"; there are: ' in done.stderr
    assert "diverged (1)" in done.stderr
    assert "out of memory (2)" in done.stderr
    assert Counter(statuses(attempted.query)) == {"FAILED": 3}


@pytest.mark.slow
def test_what_fails_again_is_recorded_again(small, bench):
    text = small.read_text().replace("quick =", f"{DIVERGING}\nquick =", 1)
    text = text.replace("[Base(), SelfKD()]", "[Base(), Shaky()]").replace('"self_kd"', '"shaky"')
    small.write_text(text)
    attempted = Attempted(small)
    attempted.fail("shaky · scratch · 1", "diverged: the loss was inf in epoch 1")
    done = bench("retry", small)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "shaky · scratch · 1: diverged" in done.stdout
    assert statuses(attempted.query) == ["FAILED", "FAILED"]


def test_where_nothing_is_recorded_it_says_how_to_start_and_makes_nothing(small, bench, tmp_path):
    done = bench("retry", small)
    assert done.returncode == 2
    assert "there is no record in" in done.stderr
    assert not (tmp_path / "mlruns").exists()
