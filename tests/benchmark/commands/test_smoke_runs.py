"""Every study of the paper from end to end, on made-up data and tiny models, without a network.

All of it happens in this process: a run takes a quarter of a second then, and one in a process of
its own a whole one.
"""

import os
import re
import socket
from pathlib import Path

import pytest

from benchmark.checks.stand_ins import rehearsal
from benchmark.cli import main
from benchmark.declare.loading import load_study
from benchmark.runs.kinds import TrainRun
from benchmark.runs.plan import make_plan
from trainers.models.published import SHAPES
from trainers.models.stored.tiny import type_of
from trainers.tasks.paper.published import training_examples

STUDIES = sorted((Path(__file__).parents[3] / "studies" / "paper").glob("*.py"))
#: What takes minutes, or is alike another one that does not.
LONG = (
    *("glue_bert_small", "glue_distilgpt2", "glue_distilroberta", "glue_scratch"),
    *("minilm_collapse", "minilm_pruning", "minilm_sst5", "minilm_trec"),
    *("rxf_collapse", "rxf_generation", "spd_glue", "tuning"),
)
LABEL = "SMOKE RUN: two seeds"


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """In an empty folder, with nothing fetched and nobody to fetch it from."""

    connect = socket.socket.connect

    def refuse(own, address):
        if own.family != socket.AF_UNIX:  # by which this machine's processes speak to each other
            raise AssertionError("a smoke run reached for the network")
        return connect(own, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "nothing"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/real/mlflow.db")
    monkeypatch.delenv("ARMBENCH_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "study",
    [pytest.param(p, marks=pytest.mark.long) if p.stem in LONG else p for p in STUDIES],
    ids=lambda path: path.stem,
)
def test_a_study_of_the_paper_runs_from_end_to_end(study, alone, capsys):
    assert main(["run", "--smoke", str(study)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(LABEL)
    assert out.count(LABEL) == 2
    assert "(smoke: its scores mean nothing); " in out  # the head of the verdicts
    assert not re.search(r"  failed|runs? failed:", out)
    assert "No verdict" not in out
    declared = load_study(study)
    for candidate in declared.comparison.candidates:
        assert f"{declared.comparison.baseline} vs {candidate}" in out
    # Nothing is left: neither here, nor in the record that the environment names.
    assert list(alone.iterdir()) == []


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_a_study_of_the_paper_is_read_on_one_screen(study):
    assert len(study.read_text().splitlines()) < 50


PRETRAINED = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training
from trainers.tasks import Texts, TextTask

student = Bert(layers=2, width=32, pretraining=MaskedLanguageModelling(steps=1000))
study = Study(
    name="pretrained",
    task=TextTask("somebody/labelled", class_names=("a", "b"), further=FURTHER),
    arms=Arm.grid(student, "pretrained", [Base(), LS()]),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=1.0),
    training=Training(),
)
"""


@pytest.mark.slow
@pytest.mark.parametrize("further", ["None", 'Texts("somebody/unlabelled", config="plain")'])
def test_pre_training_on_ones_own_texts_is_rehearsed_too(further, tmp_path_factory, capsys):
    study = tmp_path_factory.mktemp("study") / "pretrained.py"
    study.write_text(PRETRAINED.replace("FURTHER", further))
    assert main(["run", "--smoke", str(study)]) == 0
    assert "base vs ls" in capsys.readouterr().out
    assert main(["run", str(study)]) == 2  # the real one lacks its data, and says all of it
    assert capsys.readouterr().err.count("somebody/") == (1 if further == "None" else 2)


def named(stem: str) -> Path:
    return next(path for path in STUDIES if path.stem == stem)


def test_there_are_the_eight_studies():
    names = {path.stem for path in STUDIES}
    glue = {f"glue_{name}" for name in ("distilroberta", "bert_small", "distilgpt2", "scratch")}
    assert names >= glue | {"sst5", "fewrel", "cifar100", "tuning"}


def test_a_rehearsal_keeps_what_a_study_compares_and_shrinks_the_rest(tmp_path):
    study = load_study(named("glue_distilgpt2"))
    small = rehearsal(study, tmp_path / "stand-ins")
    assert [arm.place for arm in small.arms] == [arm.place for arm in study.arms]
    assert small.comparison == study.comparison
    assert small.judging == study.judging
    assert small.seeds == study.seeds[:2]
    assert {task.metric for task in small.tasks} == {task.metric for task in study.tasks}
    assert all(task.sizes == {"train": 64, "dev": 32, "test": 32} for task in small.tasks)
    assert {name for name, _ in small.task_training} < {name for name, _ in study.task_training}
    runs = [r for r in make_plan(small).runs.values() if isinstance(r, TrainRun)]
    assert {r.model.repository.model_type for r in runs} == {"gpt2"}
    assert {r.model.name for r in runs} == {"distilgpt2", "gpt2"}
    assert all(r.training.epochs == 1 for r in runs)


def test_a_rehearsal_shortens_chains_and_what_is_probed(tmp_path):
    study = load_study(named("rxf_collapse"))
    small = rehearsal(study, tmp_path / "stand-ins")
    assert {len(arm.init.links) for arm in study.arms} == {11}
    assert {arm.init.name for arm in small.arms} == {"after sst2 → qnli"}
    assert [task.name for task in small.probes.tasks] == ["sst2", "qnli"]
    assert small.probes.at == "every link"
    plan = make_plan(small)
    assert len(plan.judged) == 7 * 2 + 2 * (7 * 2 * 3 + 1 + 2)


def test_a_smoke_run_shares_no_key_with_another_of_other_models(tmp_path):
    keys = []
    for stem in ("glue_distilroberta", "glue_bert_small"):
        study = load_study(named(stem))
        runs = make_plan(rehearsal(study, tmp_path / stem)).runs
        keys.append({k for k, r in runs.items() if isinstance(r, TrainRun)})
    assert not set.intersection(*keys)


def written(stem: str, model: str, folder: Path) -> Path:
    """The study with another name for every model."""
    study = folder / f"{stem}.py"
    text = named(stem).read_text()
    study.write_text(re.sub(r'HubModel\("[^"]*"', f'HubModel("{model}"', text))
    return study


@pytest.mark.slow
def test_a_plan_is_laid_out_before_anything_is_here_and_what_is_missing_is_listed(
    capsys, tmp_path_factory
):
    small = "sentence-transformers/all-MiniLM-L6-v2"
    study = written("fewrel", small, tmp_path_factory.mktemp("study"))
    assert main(["plan", str(study)]) == 2
    told = capsys.readouterr()
    # 5 seeds of 4 arms and the data; base of the same model serves as each seed's teacher
    assert "fewrel: 21 runs, 21 to do." in told.out
    assert "workers, from published sizes and a calibration of a few steps." in told.out
    assert "?" not in told.out
    for missing in ("thunlp/few_rel", small):
        assert missing in told.err
    assert "bench fetch" in told.err


@pytest.mark.slow
def test_the_plan_of_a_search_counts_its_runs_before_anything_is_known(capsys, tmp_path_factory):
    study = written("tuning", "nobody/roberta", tmp_path_factory.mktemp("study"))
    assert main(["plan", str(study)]) == 2
    told = capsys.readouterr().out
    assert "can be told when its models and data are here" in told
    rows = [line.split() for line in told.splitlines()]
    assert ["140", "140"] in [row[-3:-1] for row in rows]  # 20 settings on 7 tasks
    assert ["175", "175"] in [row[-3:-1] for row in rows]  # the five best, for five arms


@pytest.mark.parametrize("option", ["--store", "--optuna-storage", "--workers"])
def test_what_would_keep_a_smoke_run_is_refused(option, capsys):
    assert main(["run", "--smoke", str(STUDIES[0]), option, "1"]) == 2
    assert f"leave out {option}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("distilbert/distilroberta-base", "roberta"),
        ("FacebookAI/roberta-large", "roberta"),
        ("google/bert_uncased_L-4_H-512_A-8", "bert"),
        ("distilbert/distilbert-base-uncased", "distilbert"),
        ("distilbert/distilgpt2", "gpt2"),
        ("microsoft/resnet-18", "resnet"),
        ("google/vit-base-patch16-224", "vit"),
    ],
)
def test_the_name_of_a_model_says_its_type(name, kind):
    assert type_of(name) == kind


def test_a_model_of_which_nothing_is_known_is_named(tmp_path, capsys):
    study = tmp_path / "study.py"
    study.write_text(
        named("fewrel").read_text().replace("distilbert/distilroberta-base", "nobody/mystery")
    )
    assert main(["run", "--smoke", str(study)]) == 2
    told = capsys.readouterr().err
    assert "nobody/mystery" in told
    assert "config.json" in told
    assert "smoke" not in os.listdir(tmp_path)


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_the_shapes_and_sizes_of_what_the_paper_took_are_known(study):
    declared = load_study(study)
    models = [arm.model for arm in declared.arms]
    teachers = [getattr(arm.method, "teacher", None) for arm in declared.arms]
    models += [getattr(each, "model", each) for each in teachers if each]
    models = [each for each in models if each != "student"]
    assert {str(model.source) for model in models} <= set(SHAPES)
    assert all(training_examples(task) for task in declared.tasks)
