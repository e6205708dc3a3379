"""What no longer is as it was written is never trained on: it is made again, and said."""

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.declare.loading import load_study
from benchmark.execute.attempt.worker import execute
from benchmark.execute.job import Job
from benchmark.record.query import Query
from benchmark.runs.kinds import TrainRun
from benchmark.runs.plan import make_plan
from benchmark.store import checksums
from benchmark.store.cache import Cache
from benchmark.store.checksums import MANIFEST
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.commands.test_running_a_study import arm_scores, statuses

STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import Base, SelfKD
from trainers.models import ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks import Digits

quick = Training(epochs=3, batch_size=16, lr=0.03, device="cpu", precision="float32")
source = Supervised(Digits(digits=(0, 1, 2), train=60, dev=30, test=30), training=quick)
model = ResNet((8,), pretraining=source)
study = Study(
    name="damaged",
    task=Digits(digits=(5, 6, 7), train=60, dev=60, test=120),
    arms=[Arm(model, "pretrained", SelfKD(alpha=alpha), name=f"kd {alpha}") for alpha in ALPHAS],
    comparison=Comparison("kd 0.5", "kd 0.2"),
    judging=Judging(margin=2.0),
    training=quick,
    seeds=(1, 2),
    allow_underpowered=True,
)
"""


def files(cache: Path) -> list[Path]:
    """Everything in a cache but who uses it."""
    found = sorted(path for path in cache.rglob("*") if path.is_file())
    return [path for path in found if path.relative_to(cache).parts[0] != "leases"]


def flip(path: Path, draws: random.Random) -> None:
    """Change one byte, anywhere."""
    content = bytearray(path.read_bytes())
    content[draws.randrange(len(content))] ^= draws.randrange(1, 256)
    path.write_bytes(content)


@pytest.fixture
def write(tmp_path):
    """Writes the study with so many arms."""

    def write(*alphas: float) -> Path:
        path = tmp_path / "damaged.py"
        path.write_text(STUDY.replace("ALPHAS", repr(alphas)))
        return path

    return write


@pytest.mark.slow
def test_scores_from_a_damaged_cache_are_those_of_a_sound_one(write, bench, query, tmp_path):
    path = write(0.5, 0.2, 0.8)
    assert bench("run", path, "--workers", 2, "--store", "sound").returncode == 0
    sound = arm_scores(Query(Connection(Store(str(tmp_path / "sound")))))

    assert bench("run", write(0.5, 0.2), "--workers", 2).returncode == 0
    draws, cache = random.Random(0), tmp_path / "mlruns" / "cache"
    for file in files(cache):
        if file.name != MANIFEST:
            flip(file, draws)
    again = bench("run", write(0.5, 0.2, 0.8), "--workers", 2)
    assert again.returncode == 0, again.stdout + again.stderr
    assert arm_scores(query) == sound
    assert set(statuses(query)) == {"FINISHED"}
    notes = [line for line in again.stdout.splitlines() if line.startswith("Note: ")]
    kinds = ["data", "logits", "logits", "weights"]
    assert sorted(Path(note.split()[1]).parent.name for note in notes) == kinds
    for note in notes:
        assert "holds a damaged " in note
        assert note.endswith(": it is made again.")

    # Damage that comes once a command has looked is met by the worker.
    run = next(
        run
        for run in make_plan(load_study(path)).runs.values()
        if isinstance(run, TrainRun) and "teacher" in run.needs
    )
    flipped = [cache / need.output / need.key for need in run.needs.values()]
    for folder in flipped:
        flip(max(folder.iterdir(), key=lambda file: file.stat().st_size), draws)
    job = Job(run, frozenset(["test", "logits"]), query.store, query.experiment("damaged"), {})
    ended = execute(job, lambda progress: None)
    assert ended.status == "finished", ended.message
    recorded = query.finished_run(run.key)
    scores = {k: v for k, v in ended.scores.items() if "/" in k}
    assert scores.keys() > {"dev/accuracy", "test/accuracy"}
    assert scores == {k: recorded.scores[k] for k in scores}
    assert all(f"{folder} holds a damaged" in ended.message for folder in flipped)
    assert not any(Cache(cache).flaw(folder.parent.name, folder.name) for folder in flipped)
    assert set(statuses(query)) == {"FINISHED"}


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_changes_in_a_folder_is_noticed_and_named(tmp_path_factory, data):
    cache = Cache(tmp_path_factory.mktemp("cache"))
    with cache.making("data", "a") as folder:
        (folder / "inner").mkdir()
        for name in ("one.npy", "inner/two.json"):
            (folder / name).write_bytes(data.draw(st.binary(min_size=1, max_size=50)))
    assert cache.flaw("data", "a") == ""
    folder = cache.path("data", "a")
    file = folder / data.draw(st.sampled_from(["one.npy", "inner/two.json", MANIFEST]))
    before = file.read_bytes()
    place = data.draw(st.integers(0, len(before) - 1))
    match data.draw(st.sampled_from(["flip", "cut", "remove", "add", "swap"])):
        case "flip":
            changed = bytearray(before)
            changed[place] ^= data.draw(st.integers(1, 255))
            file.write_bytes(changed)
        case "cut":
            file.write_bytes(before[:place])
        case "remove":
            file.unlink()
        case "add":
            (folder / "inner" / "three").write_bytes(b"")
        case "swap":
            shutil.copytree(folder, cache.path("data", "b"))
            assert "holds the files of another run" in cache.flaw("data", "b")
            return
    said = cache.flaw("data", "a")
    assert said.startswith(str(folder))
    assert not cache.has("data", "a")
    with cache.making("data", "a") as again:
        (again / "one.npy").write_bytes(b"sound")
    assert cache.has("data", "a")


def test_a_folder_is_read_once_by_a_process_that_leaves_it_alone(tmp_path, monkeypatch):
    cache = Cache(tmp_path)
    with cache.making("logits", "a") as folder:
        (folder / "logits.npy").write_bytes(b"numbers")
    assert cache.has("logits", "a")
    read = []
    monkeypatch.setattr("benchmark.store.checksums._digest", lambda path: read.append(path) or "")
    assert cache.has("logits", "a")
    assert read == []
    (cache.path("logits", "a") / "logits.npy").write_bytes(b"numbers")
    assert not cache.has("logits", "a")


def test_what_another_process_found_sound_is_believed_while_its_files_stay(tmp_path, monkeypatch):
    cache = Cache(tmp_path)
    with cache.making("weights", "0" * 64) as folder:
        (folder / "content").write_bytes(b"x" * 100)
    assert cache.flaw("weights", "0" * 64) == ""
    found = checksums.found_sound()
    checksums._sound.clear()
    checksums.take_as_sound(found)
    with monkeypatch.context() as patch:
        patch.setattr(checksums, "_digest", lambda path: pytest.fail("it was read again"))
        assert cache.flaw("weights", "0" * 64) == ""
    (cache.path("weights", "0" * 64) / "content").write_bytes(b"y" * 100)
    assert "damaged content" in cache.flaw("weights", "0" * 64)
