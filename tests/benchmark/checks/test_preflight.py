"""Everything that a study lacks is said at once, before anything is trained, and with the way."""

import json
import socket
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet
from transformers import AutoTokenizer

from benchmark.checks.preflight import missing, models, preflight, told
from benchmark.checks.remarks import remarks
from benchmark.cli import main
from benchmark.declare.loading import load_study
from benchmark.errors import NotReady
from benchmark.store.store import Store
from tests.trainers import tiny_hub
from trainers.models import HubModel
from trainers.resolve.hub import VARIABLE
from trainers.resolve.needs import FETCH, Needed

STUDY = """
from pathlib import Path
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, Base
from trainers.models import Bert, HubModel, ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks import Digits, ImageTask, Part, Texts, TextTask, glue, sst5

PARTS = {"dev": Part("train", 10), "test": Part("train", 10)}
study = Study(
    name="lacking",
    task=TASK,
    arms=Arm.grid(MODEL, INIT, [Base(), METHOD]),
    comparison=Comparison("base", METHOD.name),
    judging=Judging(margin=1.0),
    training=Training(epochs=1, max_length=16),
)
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a study file, in a folder where no hub name lies."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "fetched"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))

    def write(task, model='HubModel("owner/small")', init='"pretrained"', method="LS()"):
        text = STUDY.replace("TASK", task).replace("MODEL", model)
        path = tmp_path / "study.py"
        path.write_text(text.replace("INIT", init).replace("METHOD", method))
        return path

    return write


@pytest.fixture
def refusal(write, tmp_path):
    """The message with which a study is refused."""

    def refusal(*arguments, **keywords):
        path = write(*arguments, **keywords)
        with pytest.raises(NotReady) as refused:
            preflight(load_study(path), Path("study.py"), Store(str(tmp_path / "runs")).cache)
        return str(refused.value)

    return refusal


def test_everything_that_is_missing_is_listed_at_once(refusal, tmp_path):
    (tmp_path / "named.csv").write_text("review,label\nfine,1\n")
    (tmp_path / "unfit.csv").write_text("text,label\nfine,yes\n,no\nso,maybe\n")
    unfit = 'TextTask("unfit.csv", class_names=("no", "yes"), **PARTS)'
    tasks = f'sst5(), glue("cola"), glue("rte"), TextTask("named.csv", **PARTS), {unfit}'
    teacher = 'KD(teacher=HubModel("owner/large"))'
    said = refusal(f"({tasks})", method=teacher)
    assert "8 things stand in the way" in said
    for name in ("SetFit/sst5", "nyu-mll/glue", "owner/small", "owner/large"):
        assert f'"{name}"' in said
    assert 'named.csv: there is no column "text"; it has review, label' in said
    assert 'unfit.csv, row 3, column "label": the label is none of the classes no, yes' in said
    assert 'unfit.csv, row 2, column "text": the text is empty' in said
    assert said.count("bench fetch study.py --data DIR") == 1


def test_the_command_that_fetches_names_the_study_as_it_is_called():
    need = Needed("data", "SetFit/sst5", "it is not here", FETCH)
    said = told([need], Path("/home/DIR/{data}/study.py"), "my hub")
    assert (
        "bench fetch '/home/DIR/{data}/study.py' --data 'my hub'; then add --data 'my hub'" in said
    )


def test_a_model_from_scratch_needs_no_weights_of_the_hub(write):
    scratch = missing(load_study(write("Digits()", init='"scratch"')))
    pretrained = missing(load_study(write("Digits()", init='["scratch", "pretrained"]')))
    assert [need.name for need in scratch] == [need.name for need in pretrained] == ["owner/small"]
    assert not any("safetensors" in file for file in scratch[0].files)
    assert any("safetensors" in file for file in pretrained[0].files)
    assert "tokenizer.json" in scratch[0].files


def test_teachers_and_the_tasks_of_pre_training_are_looked_for_too(write, refusal):
    teacher = 'KD(teacher=HubModel("owner/large"))'
    found = models(load_study(write("sst5()", init='"scratch"', method=teacher)))
    assert (HubModel("owner/large"), "pretrained") in found
    source = 'Supervised(ImageTask("owner/pictures"))'
    assert '"owner/pictures"' in refusal("Digits()", f"ResNet((8,), pretraining={source})")


def test_a_tokenizer_that_cannot_be_read_is_said_before_training(refusal, tmp_path):
    folder = tmp_path / "fetched" / "owner" / "small"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    assert "holds no tokenizer" in refusal("sst5()")
    (folder / "tokenizer.json").write_text("{}")
    assert "its tokenizer cannot be read" in refusal("sst5()")
    assert "model.safetensors" in refusal("sst5()")


def test_images_that_do_not_decode_are_all_named(refusal, tmp_path):
    for i in range(40):
        folder = tmp_path / "pictures" / ("dark", "light")[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (i, 0, 0)).save(folder / f"{i:02}.png")
    whole = (tmp_path / "pictures" / "dark" / "10.png").read_bytes()
    (tmp_path / "pictures" / "dark" / "10.png").write_bytes(whole[:45])
    (tmp_path / "pictures" / "light" / "11.png").write_bytes(b"no image")
    pictures = 'ImageTask("pictures", shape=(3, 4, 4), **PARTS)'
    said = refusal(pictures, "ResNet((8,))", '"scratch"')
    assert "2 things" in said
    assert "dark/10.png: the image does not decode" in said
    assert "light/11.png: the image does not decode: no known format" in said


def test_bench_lists_it_with_exit_code_2_and_asks_no_network(write, bench, monkeypatch, tmp_path):
    (tmp_path / "fetched").mkdir()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(0)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{listening.getsockname()[1]}")
        done = bench("run", write("sst5()"), "--data", "fetched", "--store", "runs")
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert done.returncode == 2
    assert "2 things stand in the way" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs" / "mlflow.db").exists()


def test_plan_lists_the_same_and_a_folder_that_is_not_there_is_named(write, monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(["plan", str(write("sst5()"))]) == 2
    assert "2 things stand in the way" in capsys.readouterr().err
    assert main(["plan", str(write("sst5()")), "--data", "nowhere"]) == 2
    assert "nowhere: there is no such folder" in capsys.readouterr().err


def test_texts_that_are_cut_are_counted_in_the_models_own_tokens(write, tmp_path):
    rows = [f"{'word ' * (20 if i < 7 else 3)}{i}" for i in range(60)]
    table = "".join(f"{text},{i % 2}\n" for i, text in enumerate(rows))
    (tmp_path / "texts.csv").write_text("text,label\n" + table)
    folder = tmp_path / "fetched" / "owner" / "small"
    folder.mkdir(parents=True)
    tiny_hub.save("bert", rows, folder)
    task = 'TextTask("texts.csv", **PARTS)'
    (said,) = remarks(load_study(write(task)))
    tokens = AutoTokenizer.from_pretrained(folder)
    longer = sum(len(tokens(text)["input_ids"]) > 16 for text in rows)
    assert longer == 7
    assert said.startswith("texts, small: 7 of 60 texts are longer than max_length=16 tokens")
    (said,) = remarks(load_study(write(task, "Bert(width=32)", '"scratch"')))
    assert "at least 7 of 60 texts are longer" in said
    assert remarks(load_study(write("Digits()", "ResNet((8,))", '"scratch"'))) == []


def test_classes_that_a_test_set_lacks_are_said(write, tmp_path):
    for split, labels in (("train", "abc"), ("validation", "abc"), ("test", "ac")):
        table = "".join(f"{split} text {i},{label}\n" for i, label in enumerate(labels * 4))
        (tmp_path / f"{split}.csv").write_text("text,label\n" + table)
    (said,) = remarks(load_study(write('TextTask(".", name="t")', "Bert(width=32)", '"scratch"')))
    assert said == 't: test (test.csv) has no example of 1 of the 3 classes: "b".'


def test_three_long_texts_among_many_are_seen_and_the_longest_is_named(write, tmp_path):
    rows = [f"{'word ' * {77: 30, 7777: 50, 19_999: 40}.get(i, 3)}{i}" for i in range(20_000)]
    table = "".join(f"{text},{i % 2}\n" for i, text in enumerate(rows))
    (tmp_path / "texts.csv").write_text("text,label\n" + table)
    (said,) = remarks(load_study(write('TextTask("texts.csv", **PARTS)', "Bert()", '"scratch"')))
    assert "at least 3 of 5,000 texts looked at (of 20,000, with the longest) are longer" in said
    assert said.endswith("; the longest is texts.csv, row 7778.")


def test_the_faults_of_labels_and_of_images_are_said_together(refusal, tmp_path):
    for i in range(4):
        Image.new("RGB", (4, 4), (i, 0, 0)).save(tmp_path / f"{i}.png")
    images = [(tmp_path / f"{i % 4}.png").read_bytes() for i in range(40)]
    rows = [{"image": {"bytes": each}, "label": i % 2} for i, each in enumerate(images)]
    rows[5]["label"], rows[7]["image"], rows[9]["image"] = None, {"bytes": b"no image"}, None
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "pictures.parquet")
    said = refusal('ImageTask("pictures.parquet", **PARTS)', "ResNet((8,))", '"scratch"')
    assert "3 things" in said
    assert 'row 6, column "label": the label is missing' in said
    assert "row 8: the image does not decode" in said
    assert 'row 10, column "image": the image is missing' in said


@pytest.mark.slow
def test_bytes_that_are_no_text_end_no_command_with_a_traceback(write, tmp_path, capsys):
    lines = b"".join(b'{"text": "review %d", "label": %d}\n' % (i, i % 2) for i in range(40))
    (tmp_path / "sound.jsonl").write_bytes(lines)
    (tmp_path / "unsound.jsonl").write_bytes(lines.replace(b"review 7", b"caf\xe9"))
    for task in (
        'TextTask("unsound.jsonl", **PARTS)',
        'TextTask("sound.jsonl", further=Texts("unsound.jsonl"), **PARTS)',
    ):
        assert main(["plan", str(write(task, "Bert(width=32)", '"scratch"'))]) == 2
        said = capsys.readouterr().err
        assert "unsound.jsonl, line 8: it is not in UTF-8. Convert it: iconv" in said
