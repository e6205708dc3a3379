"""Hours of GPUs that a plan states, and their energy: a bound, where they say what they draw."""

import re
from dataclasses import replace

import pytest

from benchmark.checks.energy import GpuUse
from benchmark.declare.loading import load_study
from benchmark.runs.kinds import DataRun, TrainRun
from benchmark.runs.plan import make_plan
from benchmark.session.planning import print_plan
from tests.benchmark.execute.gpu_boxes import box, options, write_study


@pytest.fixture
def runs(tmp_path):
    return [*make_plan(load_study(write_study(tmp_path))).runs.values()]


def test_an_hour_on_a_gpu_is_counted_at_its_power_limit_and_one_elsewhere_is_not(runs):
    data = next(run for run in runs if isinstance(run, DataRun))
    here = next(run for run in runs if isinstance(run, TrainRun))
    there = replace(here, training=replace(here.training, device="cuda"))
    alone, packed = (GpuUse.of(box(8e4, watts=700).gpus, packed) for packed in (False, True))
    assert [alone.hours(run, 3600) for run in (data, here, there)] == [0, 0, 1]
    assert [packed.hours(run, 7200) for run in (data, here, there)] == [0, 2, 2]
    every = [(run, 3600) for run in (data, here, there)]
    assert alone.cells(every) == ("1", "0.7")
    assert packed.cells(every) == ("2", "1.4")
    assert GpuUse.of(box(8e4).gpus, packed=True).cells(every) == ("2",)


def test_a_bound_holds_on_every_gpu_and_is_none_where_one_is_silent():
    (low,), (high,) = box(1, watts=300).gpus, box(1, watts=350).gpus
    assert GpuUse.of((low, high), packed=True).watts == 350
    assert GpuUse.of((low, *box(1).gpus), packed=True).watts is None
    assert GpuUse.of((), packed=False).watts is None


def test_a_plan_states_kilowatt_hours_by_arm_and_how_they_are_counted(tmp_path, capsys):
    told = options(write_study(tmp_path), gpus="all")
    assert print_plan(told, find_gpus=lambda: box(8e4, 8e4, watts=7e5)) == 0
    said = capsys.readouterr().out
    (heading,) = (line for line in said.splitlines() if line.lstrip().startswith("runs "))
    assert heading.split()[-7:] == ["GPU", "hours", "kWh", "at", "most", "disk", "after"]
    (arm,) = (line for line in said.splitlines() if line.lstrip().startswith("odd · scratch"))
    in_all, hours, energy = map(heading.index, ("in all", "GPU hours", "kWh at most"))
    *minutes, seconds = re.findall(r"[0-9]+", arm[in_all:hours])
    took = 60 * sum(map(float, minutes)) + float(seconds)
    assert float(arm[hours:].split()[0]) == pytest.approx(took / 3600, rel=0.5)
    assert float(arm[energy:].split()[0]) == pytest.approx(700 * took / 3600, rel=0.5)
    assert "kWh at most: the hours of runs on a GPU, at the 700000 W" in " ".join(said.split())


def test_a_plan_says_nothing_of_energy_where_nobody_knows(tmp_path, capsys):
    told = options(write_study(tmp_path), gpus="all")
    assert print_plan(told, find_gpus=lambda: box(8e4, 8e4)) == 0
    said = capsys.readouterr().out
    assert "kWh" not in said
    assert "GPU hours" in said
