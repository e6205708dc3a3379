"""`run`, in scripts and with studies that are imported."""

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import chdir, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from benchmark import load, run
from benchmark.errors import BenchmarkError, StudyError
from tests.benchmark.conftest import linux
from tests.benchmark.from_python.scripts import DECLARED, SCRIPT, execute

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The working directory, without a record."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def imported(folder, monkeypatch):
    """A module that declares a study, imported as any other."""
    monkeypatch.syspath_prepend(folder)
    Path("declared.py").write_text(f"{DECLARED}\nstudy = make((1, 2))\n")
    yield importlib.import_module("declared")
    del sys.modules["declared"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The results of a script that ran its study in its own process."""
    folder, said = tmp_path_factory.mktemp("script"), StringIO()
    with chdir(folder), redirect_stdout(said):
        found = execute(folder / "script.py", SCRIPT.replace("ENGINE", '"inline"'))
    assert "[5/5] mine · scratch · 2  finished" in said.getvalue()
    assert "verdict" not in said.getvalue()  # results show themselves
    return found["results"]


@pytest.mark.slow
def test_a_script_trains_a_study_that_a_function_made_with_a_class_of_its_own(ran):
    scores = ran.scores
    assert scores["arm"].tolist() == [f"{m} · scratch" for m in ("base", "base", "mine", "mine")]
    assert scores["seed"].tolist() == [1, 2, 1, 2]
    assert scores["status"].unique().tolist() == ["finished"]
    file = Path(ran.record.study_file)
    assert file.name == "script.py"
    assert load("from_python", store=file.parent / "mlruns").scores.equals(scores)


@pytest.mark.slow
def test_workers_find_the_classes_of_a_script_and_do_not_execute_its_main_part(folder):
    source = SCRIPT.replace("ENGINE", '"local"') + "    print('once', flush=True)\n"
    Path("script.py").write_text(source + "    print(load('from_python').scores['status'])\n")
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    asked = {"env": variables, "capture_output": True, "text": True, "check": True}
    done = subprocess.run([sys.executable, "script.py"], **asked)
    assert done.stdout.count("once") == 1
    assert done.stdout.count("finished") >= 4
    assert done.stderr == ""


def test_predictions_are_the_logits_and_labels_of_one_run(ran):
    found = ran.predictions("mine", 2)
    assert found.logits.shape == (120, 3)
    score = 100 * np.mean(found.logits.argmax(1) == found.labels)
    assert score == pytest.approx(ran.scores["score"].iloc[3])


def test_curves_have_every_epoch_of_every_run(ran):
    assert ran.curves.groupby(["method", "seed"])["epoch"].nunique().tolist() == [2] * 4
    assert ran.curves["score"].between(0, 100).all()


def test_a_figure_of_each_kind_that_the_record_has(ran):
    drawn = [ran.plot.learning_curves(), ran.plot.cost(task="digits/567"), ran.plot.reliability()]
    assert all(isinstance(each, Figure) for each in drawn)
    with pytest.raises(BenchmarkError, match="interaction: the study has nothing to show there"):
        ran.plot.interaction()


def test_a_report_is_written_where_it_is_asked_for(ran, folder):
    assert ran.report("out") == Path("out/report.html")
    assert "from_python" in Path("out/report.html").read_text()


def test_an_imported_study_is_run_from_its_file_and_finds_what_a_script_has_trained(
    ran, imported, capsys
):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    offline = os.environ.get("HF_HUB_OFFLINE")
    store = Path(ran.record.study_file).parent / "mlruns"
    results = run(imported.study, engine="inline", store=store)
    assert "4 runs in the comparison, 4 cached. Record" in capsys.readouterr().out
    assert results.record.study_file == str(Path("declared.py").resolve())
    assert results.record.cells == ran.record.cells
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert os.environ.get("HF_HUB_OFFLINE") == offline


def test_a_file_that_has_changed_since_it_was_imported_is_not_run_as_another_study(imported):
    Path("declared.py").write_text(f"{DECLARED}\nstudy = make((3, 4))\n")
    with pytest.raises(StudyError, match=r"declared.py: study is another study by now"):
        run(imported.study)


def test_a_script_without_its_guard_is_told_so_in_a_sentence_and_starts_nothing(folder):
    with pytest.raises(StudyError, match=r"script.py:\d+: run\(study\) is called while script.py"):
        execute(folder / "script.py", f"{DECLARED}\nresults = run(make((1, 2)))\n")
    assert not Path("mlruns").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Hidden", "script.py does not declare what the study is made of.*Declare classes at the"),
        ("Mine", "Mine, which it is made of, has been declared anew since"),
    ],
)
def test_a_class_that_workers_would_not_find_is_named_before_anything_is_trained(
    folder, name, said
):
    declared = f"""
if __name__ == "__main__":
    study = make((1, 2))

    @dataclass(frozen=True)
    class {name}(LS):
        name: ClassVar[str] = "mine"

    Mine = {name}
    run(study if {name!r} == "Mine" else make((1, 2)), engine="inline")
"""
    with pytest.raises(StudyError, match=said):
        execute(folder / "script.py", DECLARED + declared)
    assert not Path("mlruns/mlflow.db").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"workers": 0}, "workers: '0' is not a whole number"),
        ({"engine": "cloud"}, "engine: 'cloud' is none of local, inline"),
        ({"gpus": "0,0"}, "gpus: '0,0' names GPU 0 twice"),
        ({"run_timeout": "6h"}, "run_timeout: '6h' is no number of seconds"),
        ({"environments": "old"}, "environments: 'old' is none of anew, mix"),
        ({"engine": "inline", "workers": 2}, "leave out --workers"),
    ],
)
def test_arguments_that_cannot_be_are_said_in_a_sentence(imported, given, said):
    with pytest.raises(BenchmarkError, match=said):
        run(imported.study, **given)


def test_what_is_no_study_and_what_stands_in_no_file_is_said(imported, monkeypatch):
    with pytest.raises(StudyError, match=r"run takes a Study\(...\), not 'small.py'"):
        run("small.py")
    monkeypatch.setitem(sys.modules, "__main__", type(sys)("__main__"))
    with pytest.raises(StudyError, match="stands in no file"):
        run(replace(imported.study, seeds=(5, 6)))


def test_another_thread_is_told_that_signals_do_not_reach_it(imported):
    said = []

    def call():
        try:
            run(imported.study)
        except BenchmarkError as error:
            said.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert said[0].startswith("run(study) is stopped by signals")


@pytest.mark.long
@linux
@pytest.mark.slow
def test_ctrl_c_stops_the_workers_and_raises_and_what_finished_is_kept(folder):
    source = SCRIPT.replace("ENGINE", '"local"').replace("epochs=2", "epochs=400")
    Path("script.py").write_text(source.replace("(1, 2)", "tuple(range(60))"))
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-u", "script.py"],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while "[2/" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    printed, errors = process.communicate(timeout=60)
    assert "Stopped. What finished is kept" in printed
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode != 0
    finished = load("from_python").scores["status"].tolist().count("finished")
    assert 1 <= finished < 60
