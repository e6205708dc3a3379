"""What times runs beside others' can be run."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("accelerate") is None, reason="transformers.Trainer needs accelerate")
def test_a_study_is_timed_beside_a_trainer(tmp_path):
    record, figure = tmp_path / "bench.json", tmp_path / "bench.svg"
    script = ROOT / "tests" / "speed" / "study_vs_trainer.py"
    command = [sys.executable, script, "--small", "--record", record, "--figure", figure]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(record.read_text())
    assert len(found["seconds_a_run"]) == 5
    assert all(seconds > 0 for seconds in found["seconds_a_run"].values())
    assert {"trainer", "trainer, tuned", "trainer, kd"} == found["ratios"].keys()
    assert figure.stat().st_size > 1000


@pytest.mark.slow
def test_a_point_of_the_growth_is_measured():
    asked = json.dumps({"tokens": 8, "width": 64, "classes": 3, "texts": 64})
    command = [sys.executable, ROOT / "tests" / "speed" / "growth.py", "--point", asked]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert all(found[name] > 0 for name in ("step_ms", "epoch_ms", "peak_mb", "gflop"))


@pytest.mark.slow
def test_a_pruned_model_is_held_against_a_dense_one():
    command = [sys.executable, ROOT / "tests" / "speed" / "pruned.py", "--repetitions", "2"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "90.0%" in done.stdout
    assert done.stdout.count("one thread") == 2


@pytest.mark.slow
@pytest.mark.long
def test_what_measures_a_gpu_runs_without_one(tmp_path):
    record = tmp_path / "gpu.json"
    script = ROOT / "tests" / "gpu" / "speed.py"
    command = [sys.executable, script, "--device", "cpu", "--small", "--record", record]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads(record.read_text())
    assert measured.pop("device") == "a CPU"
    assert len(measured) == 4
    assert all(value >= 0 for found in measured.values() for value in found.values())
