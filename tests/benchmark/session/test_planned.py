"""What a command says when its runs are done, of what they were planned to take."""

import pytest

from benchmark.declare.loading import load_study
from benchmark.execute.job import Ended
from benchmark.execute.scheduler import Outcome
from benchmark.runs.plan import make_plan
from benchmark.session.planned import planned_and_real
from tests.benchmark.execute.gpu_boxes import write_study


@pytest.fixture
def plan(tmp_path):
    return make_plan(load_study(write_study(tmp_path)))


def told(plan, took: float, joules: float | None = None) -> str:
    measured = {} if joules is None else {"gpu_joules": joules}
    outcome = Outcome({k: Ended(k, "finished", "", measured, took) for k in plan.cells})
    return planned_and_real(plan, outcome, dict.fromkeys(plan.cells, 10.0), 40.0, 41.0)


def test_arms_that_took_much_longer_than_planned_are_named(plan):
    assert told(plan, 10.5) == "It took 41 s; 40 s were planned."
    off = told(plan, 30.0)
    assert "Far off: base · scratch 30 s each in place of 10 s; odd · scratch 30 s" in off


def test_the_energy_of_their_gpus_is_said_where_it_was_measured(plan):
    four_runs_of_half_a_kilowatt_hour = told(plan, 10.0, joules=1.8e6)
    assert four_runs_of_half_a_kilowatt_hour.endswith("Their GPUs took 2 kWh at most.")
    assert "kWh" not in told(plan, 10.0)
