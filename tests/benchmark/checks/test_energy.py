"""The energy that a plan states is a bound that holds, stated where GPUs say what they draw."""

import re
from dataclasses import replace

import pytest

from benchmark.checks.energy import EnergyBound
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
    alone, packed = (EnergyBound.of(box(8e4, watts=700).gpus, packed) for packed in (False, True))
    assert [alone.kwh(run, 3600) for run in (data, here, there)] == [0, 0, 0.7]
    assert [packed.kwh(run, 7200) for run in (data, here, there)] == [0, 1.4, 1.4]


def test_a_bound_holds_on_every_gpu_and_is_none_where_one_is_silent():
    (low,), (high,) = box(1, watts=300).gpus, box(1, watts=350).gpus
    assert EnergyBound.of((low, high), packed=True).watts == 350
    assert EnergyBound.of((low, *box(1).gpus), packed=True) is None
    assert EnergyBound.of((), packed=False) is None


def test_a_plan_states_kilowatt_hours_by_arm_and_how_they_are_counted(tmp_path, capsys):
    told = options(write_study(tmp_path), gpus="all")
    assert print_plan(told, find_gpus=lambda: box(8e4, 8e4, watts=7e5)) == 0
    said = capsys.readouterr().out
    (heading,) = (line for line in said.splitlines() if line.lstrip().startswith("runs "))
    assert heading.split()[-5:] == ["kWh", "at", "most", "disk", "after"]
    (arm,) = (line for line in said.splitlines() if line.lstrip().startswith("odd · scratch"))
    in_all, energy = (heading.index(name) for name in ("in all", "kWh at most"))
    *minutes, seconds = re.findall(r"[0-9]+", arm[in_all:energy])
    took = 60 * sum(map(float, minutes)) + float(seconds)
    assert float(arm[energy:].split()[0]) == pytest.approx(700 * took / 3600, rel=0.5)
    assert "kWh at most: the hours of runs on a GPU, at the 700000 W" in " ".join(said.split())


def test_a_plan_says_nothing_of_energy_where_nobody_knows(tmp_path, capsys):
    told = options(write_study(tmp_path), gpus="all")
    assert print_plan(told, find_gpus=lambda: box(8e4, 8e4)) == 0
    assert "kWh" not in capsys.readouterr().out
