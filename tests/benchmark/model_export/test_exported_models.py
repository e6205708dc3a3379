"""Models in folders: loaded by transformers they say what their runs are recorded to have said."""

import argparse
import csv
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from benchmark.cli import main, parser
from benchmark.declare.loading import load_study
from benchmark.errors import BenchmarkError
from benchmark.model_export.asked import AskedRun
from benchmark.model_export.draft import drafted
from benchmark.model_export.exporting import export_model
from benchmark.record.query import Query
from benchmark.session.session import Session
from benchmark.session.training import run_session
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.conftest import command
from tests.trainers import tiny_hub
from trainers.methods.pruning.masks import matrices, zeros
from trainers.models.stored.classifier_folder import save_classifier

STUDY = """
from pathlib import Path

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, Base, Magnitude, Teacher
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import Part, TextTask

study = Study(
    name="exported",
    task=TextTask(
        Path(__file__).parent / "rows.csv", dev=Part("train", 24), test=Part("train", 40),
        vocabulary=300,
    ),
    arms=Arm.grid(
        Bert(width=32, layers=2, heads=2, initializer_range=0.1),
        "scratch",
        [Base(), Magnitude(0.8, events=3), KD(teacher=Teacher("student", "scratch"))],
    ),
    comparison=Comparison("base", ["magnitude", "kd"]),
    judging=Judging(margin=2.0),
    training=Training(
        epochs=4, batch_size=16, lr=5e-3, max_length=12, device="cpu", precision="float32"
    ),
    seeds=(1,),
    allow_underpowered=True,
)
"""
ARMS = ("base", "magnitude", "kd")
#: How far logits of passes in float32 may be from each other that pad texts otherwise.
TOLERANCE = 1e-4
WORDS = {"good": ["warm", "bright", "kind"], "bad": ["cold", "dull", "harsh"]}


def write_rows(path: Path) -> None:
    draws = np.random.default_rng(0)
    filler = ["the", "house", "was", "and", "its", "garden", "by", "river"]
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for i in range(160):
            label = list(WORDS)[i % 2]
            words = [*draws.choice(filler, draws.integers(2, 12)), draws.choice(WORDS[label])]
            table.writerow([" ".join([*draws.permutation(words), str(i)]), label])


def session_of(*line: object) -> tuple[Session, argparse.Namespace]:
    """That of a command, whose runs are executed here without a look at how long they take."""
    told = [*map(str, line)]
    options = parser(told).parse_args(told)
    return Session.of(options, rehearses=True), options


def record(study: Path) -> None:
    """Execute the runs of a study."""
    session, _ = session_of("run", study, "--store", study.parent / "mlruns")
    assert run_session(session) == 0


def export(study: Path, *asked: object) -> int:
    """What the command does; its exit code."""
    store = study.parent / "mlruns"
    session, options = session_of("export-model", study, *asked, "--store", store)
    return export_model(session, AskedRun(options.arm, options.seed, options.task), options.folder)


def refused(study: Path, *asked: object) -> None:
    """The command, which ends with a mistake of the user's."""
    told = ["export-model", study, *asked, "--store", study.parent / "mlruns"]
    assert main([*map(str, told)]) == 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A study beside its data, with every run of it in the record and no weights kept."""
    folder = tmp_path_factory.mktemp("exported")
    write_rows(folder / "rows.csv")
    (folder / "study.py").write_text(STUDY)
    record(folder / "study.py")
    assert not list((folder / "mlruns" / "cache").glob("weights/*"))
    return folder


@pytest.fixture
def query(folder) -> Query:
    return Query(Connection(Store(str(folder / "mlruns"))))


@pytest.fixture
def exported(folder, tmp_path, capsys):
    """Exports the model of an arm, and returns its folder and what was said."""

    def exporting(arm: str, name: str = "model", code: int = 0) -> tuple[Path, str]:
        capsys.readouterr()
        target = tmp_path / name
        assert export(folder / "study.py", arm, 1, target) == code
        return target, " ".join(capsys.readouterr().out.split())

    return exporting


def path_of(query: Query, arm: str) -> Path:
    """The predictions that the run of an arm recorded."""
    runs = query.of_role("arm")
    (run,) = (run for run in runs if run.tags["method"] == arm)
    return query.artifact(run.run_id, "predictions.npz")


def recorded(query: Query, arm: str) -> dict[str, np.ndarray]:
    """What they are."""
    with np.load(path_of(query, arm), allow_pickle=False) as kept:
        return dict(kept)


def texts_of(folder: Path, ids: np.ndarray) -> list[str]:
    with (folder / "rows.csv").open(newline="") as file:
        rows = [row["text"] for row in csv.DictReader(file)]
    return [rows[i] for i in ids]


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [part.weight for part in matrices(model)]


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize("arm", ARMS)
def test_transformers_loads_what_the_run_was(folder, query, exported, arm):
    runs = {run.run_id for run in query.runs()}
    target, said = exported(arm)
    assert f"{arm} · scratch · 1 left no weights, and is trained again for them" in said
    assert "Its predictions on dev and test are those of the record, bit for bit." in said
    assert {run.run_id for run in query.runs()} == runs, "a run is recorded once"
    model = AutoModelForSequenceClassification.from_pretrained(target).eval()
    tokenizer = AutoTokenizer.from_pretrained(target)
    kept = recorded(query, arm)
    for split in ("dev", "test"):
        texts = texts_of(folder, kept[f"{split}_ids"])
        inputs = tokenizer(texts, truncation=True, padding=True, return_tensors="pt")
        with torch.inference_mode():
            logits = model(**inputs).logits.numpy()
        before = kept[f"{split}_logits"]
        np.testing.assert_allclose(logits, before, atol=TOLERANCE)
        np.testing.assert_array_equal(logits.argmax(-1), before.argmax(-1))
        named = [model.config.id2label[k] for k in kept[f"{split}_labels"]]
        assert {word for text in texts[:1] for word in text.split()} & {*WORDS[named[0]]}
    left = sorted(path.name for path in target.iterdir())
    assert left == [
        *("README.md", "config.json", "model.safetensors"),
        *("tokenizer.json", "tokenizer_config.json"),
    ]


def test_sparsity_is_exactly_what_is_claimed(exported):
    target, said = exported("magnitude")
    found = weights(AutoModelForSequenceClassification.from_pretrained(target))
    gone = [int((each == 0).sum()) for each in found]
    assert gone == [zeros(0.8, each.numel()) for each in found]
    stored = load_file(target / "model.safetensors")
    assert not [name for name in stored if "parametriz" in name or "mask" in name]
    total, inside = sum(w.numel() for w in stored.values()), sum(w.numel() for w in found)
    left = sum(int(w.count_nonzero()) for w in stored.values())
    assert f"{total:,} parameters, {left:,} of them not zero" in said
    assert f"Of the {inside:,} weights of its layers' matrices {sum(gone) / inside:.2%}" in said
    assert "dense kernels compute all" in said
    assert said.count("million FLOPs") == 2


def test_weights_that_are_kept_are_taken(folder, exported):
    first, _ = exported("base", "first")
    again, said = exported("base", "again")
    assert "trained again" not in said
    for name in ("model.safetensors", "config.json", "tokenizer.json", "README.md"):
        assert (first / name).read_bytes() == (again / name).read_bytes()


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize("lost", ["data", "weights", "logits"])
def test_what_was_lost_of_the_cache_is_made_again(folder, exported, lost):
    cache = folder / "mlruns" / "cache"
    first, _ = exported("kd", "first")
    shutil.rmtree(cache / lost)
    if lost == "logits":  # those of the teacher, which the run needs where it is trained again
        shutil.rmtree(cache / "weights")
    again, said = exported("kd", "again")
    assert ("trained again" in said) == (lost != "data")
    assert "bit for bit" in said
    assert (first / "model.safetensors").read_bytes() == (again / "model.safetensors").read_bytes()


def test_the_page_beside_the_model_says_what_it_is(query, exported):
    target, _ = exported("magnitude")
    page = (target / "README.md").read_text()
    (run,) = (r for r in query.finished().values() if r.tags["method"] == "magnitude")
    assert page.startswith("# magnitude · scratch · 1\n")
    for name, value in {
        "key": run.tags["key"],
        "MLflow's run": run.run_id,
        "method.sparsity": "0.8",
        "training.lr": "0.005",
        "test accuracy": f"{run.scores['test/accuracy']:.6g}",
    }.items():
        assert f"| {name} | {value} |" in page
    assert str(target.parent) not in page


@contextmanager
def other_record(query: Query, arm: str, **arrays: np.ndarray) -> Iterator[None]:
    """Other arrays in what the run of an arm recorded."""
    path = path_of(query, arm)
    before = path.read_bytes()
    np.savez(path, **(recorded(query, arm) | arrays))
    yield
    path.write_bytes(before)


@pytest.mark.parametrize("shift", [1e-3, 1e3])
def test_a_model_that_is_not_the_recorded_one_is_said_to_be_none(query, exported, shift):
    kept = {name: each for name, each in recorded(query, "base").items() if "logits" in name}
    moved = {name: each + np.float32([shift, 0]) for name, each in kept.items()}
    others = sum(
        int((moved[name].argmax(-1) != each.argmax(-1)).sum()) for name, each in kept.items()
    )
    assert (others > 0) == (shift > 1)
    with other_record(query, "base", **moved):
        target, printed = exported("base", code=int(others > 0))
    counted = f"{others} of 64 predicted classes" if others else "no predicted class"
    told = f"not those of the record: logits differ by up to {shift:.2g}, and {counted}."
    assert told in printed
    assert told in (target / "README.md").read_text()


# -- what is refused


def test_a_folder_that_is_not_empty_is_refused(folder, tmp_path, capsys):
    target, file = tmp_path / "model", tmp_path / "file"
    target.mkdir()
    for path in (target / "mine.txt", file):
        path.write_text("keep")
    refused(folder / "study.py", "base", 1, target)
    said = f"bench: {target} is there already, and not empty: name another folder.\n"
    assert capsys.readouterr().err == said
    assert [path.name for path in target.iterdir()] == ["mine.txt"]
    refused(folder / "study.py", "base", 1, file)
    assert f"{file} is there already, and no folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arm", "seed", "said"),
    [
        ("kd2", 1, 'exported has no arm "kd2"; its arms are "base", "magnitude", "kd".'),
        ("kd", 2, "exported has no seed 2; its seeds are 1."),
    ],
)
def test_what_the_study_has_not_got_is_refused(folder, tmp_path, capsys, arm, seed, said):
    target = tmp_path / "model"
    refused(folder / "study.py", arm, seed, target)
    assert capsys.readouterr().err == f"bench: {said}\n"
    assert not target.exists()


def test_a_run_that_is_not_recorded_is_refused(folder, tmp_path, capsys):
    for name in ("rows.csv", "study.py"):
        shutil.copy(folder / name, tmp_path / name)
    refused(tmp_path / "study.py", "base", 1, tmp_path / "model")
    said = capsys.readouterr().err
    assert "base · scratch · 1 is not recorded yet; start with: bench run" in said
    assert not (tmp_path / "model").exists()


def test_a_disk_that_is_full_leaves_nothing_half(tmp_path):
    target = tmp_path / "new" / "model"

    def write() -> None:
        with drafted(target) as draft:
            (draft / "config.json").write_text("{}")
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
            save_classifier(nn.Linear(100, 100), ("a", "b"), draft)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(BenchmarkError, match="could not be written"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(target.parent.iterdir())


def test_a_folder_that_another_process_filled_meanwhile_is_left_alone(tmp_path):
    target = tmp_path / "model"
    target.mkdir()

    def write() -> None:
        with drafted(target) as draft:
            (draft / "ours").write_text("ours")
            (target / "theirs").write_text("theirs")

    with pytest.raises(BenchmarkError, match="could not be written"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert [path.name for path in target.iterdir()] == ["theirs"]


# -- what transformers cannot load


@pytest.mark.long
@pytest.mark.slow
def test_a_model_of_no_class_of_transformers_is_loaded_as_its_page_says(small, capsys, monkeypatch):
    monkeypatch.chdir(small.parent)
    fewer = {"seeds=(1, 2, 3)": "seeds=(1,)", '["pretrained", "scratch"]': '"scratch"'}
    for before, after in fewer.items():
        small.write_text(small.read_text().replace(before, after))
    record(small)
    assert export(small, "self_kd", 1, small.parent / "model") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "bit for bit" in said
    assert "transformers cannot load it: its ResNetForImageClassification has another " in said
    target = small.parent / "model"
    assert sorted(path.name for path in target.iterdir()) == ["README.md", "model.safetensors"]
    page = (target / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    shutil.copy(target / "model.safetensors", small.parent)
    names: dict = {}
    exec(code, names)
    for name, weight in load_file(target / "model.safetensors").items():
        assert torch.equal(names["model"].state_dict()[name], weight)


# -- every arm of a study, by the command itself

EVERY = """
from pathlib import Path

import trainers.methods as methods
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, R3F, Method, Movement, Teacher
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import Part, TextTask

here = Path(__file__).parent
teacher = Teacher("student")
kinds = [each for each in map(vars(methods).get, methods.__all__) if isinstance(each, type)]
kinds.remove(methods.SequenceKD)  # it is for texts alone
plain = [
    kind(**({"teacher": teacher} if "teacher" in kind.__dataclass_fields__ else {}))
    for kind in kinds
    if issubclass(kind, Method) and isinstance(getattr(kind, "name", None), str)
]
study = Study(
    name="every method",
    task=TextTask(here / "rows.csv", dev=Part("train", 24), test=Part("train", 40)),
    arms=Arm.grid(
        HubModel(here / "bert"),
        "pretrained",
        [*plain, LS() + R3F(), Movement(0.5, soft=True) + KD(teacher=teacher)],
    ),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=2.0),
    training=Training(epochs=4, batch_size=16, lr=1e-3, max_length=12, device="cpu"),
    seeds=(1,),
    allow_underpowered=True,
)
"""


@pytest.mark.long
@pytest.mark.slow
def test_every_method_leaves_a_model_that_predicts_what_is_recorded(tmp_path, capsys):
    write_rows(tmp_path / "rows.csv")
    (tmp_path / "bert").mkdir()
    with (tmp_path / "rows.csv").open(newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    tiny_hub.save("bert", texts, tmp_path / "bert")
    study = tmp_path / "study.py"
    study.write_text(EVERY)
    record(study)
    arms = load_study(study).arms
    assert len(arms) > 15
    for i, arm in enumerate(arms):
        capsys.readouterr()
        assert export(study, arm.name, 1, tmp_path / f"model-{i}") == 0
        assert "bit for bit" in " ".join(capsys.readouterr().out.split()), arm.name
        model = AutoModelForSequenceClassification.from_pretrained(tmp_path / f"model-{i}")
        assert type(model).__name__ == "BertForSequenceClassification"


@pytest.mark.long
@pytest.mark.slow
def test_runs_of_processes_are_repeated_by_others_bit_for_bit(tmp_path):
    write_rows(tmp_path / "rows.csv")
    (tmp_path / "study.py").write_text(STUDY.replace('precision="float32"', 'precision="bf16"'))
    done = subprocess.run(command("run", "study.py"), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for arm in ARMS[1:]:
        told = command("export-model", "study.py", arm, 1, f"models/{arm}")
        done = subprocess.run(told, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said = " ".join(done.stdout.split())
        assert "those of the record, bit for bit" in said
        assert 'under torch.autocast("cpu", dtype=torch.bfloat16) its very logits come out' in said
