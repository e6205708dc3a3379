"""A study that saves memory, from the plan to the record, with the real command."""

import pytest

from tests.trainers import tiny_hub

STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import R3F, Base
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import Digits

study = Study(
    name="saving",
    task=Digits(digits=(5, 6, 7), train=60, dev=60, test=60),
    arms=Arm.grid(HubModel("vit"), "scratch", [Base(), R3F()]),
    comparison=Comparison("base", "r3f"),
    judging=Judging(margin=2.0),
    training=Training(epochs=1, batch_size=16, device="cpu", precision="float32", SAVING),
    seeds=(1, 2),
    allow_underpowered=True,
)
"""


@pytest.mark.slow
def test_runs_that_save_memory_are_planned_trained_and_told_from_others(tmp_path, bench, query):
    (tmp_path / "vit").mkdir()
    tiny_hub.save("vit", [], tmp_path / "vit")
    path = tmp_path / "saving.py"
    path.write_text(STUDY.replace("SAVING", "accumulate=3, gradient_checkpointing=True"))
    planned = bench("plan", path)
    assert planned.returncode == 0, planned.stderr
    told = {line.split(" · ")[0].strip(): line for line in planned.stdout.splitlines()}
    assert "1.3" in told["base"]
    assert "2.6" in told["r3f"]
    done = bench("run", path)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = query.runs("tags.key != '' and tags.method = 'r3f'")
    assert len(runs) == 2
    for run in runs:
        assert run.parameters["training.accumulate"] == "3"
        assert run.parameters["training.gradient_checkpointing"] == "True"
        assert run.scores["steps"] == 4
        assert run.scores["relative_flops"] == pytest.approx(2.6, abs=0.1)
    assert "5 runs, 0 to do" in bench("plan", path).stdout
    path.write_text(STUDY.replace("SAVING", ""))
    assert "5 runs, 4 to do" in bench("plan", path).stdout
