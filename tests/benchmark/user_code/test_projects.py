"""A study file is the root of its project: what lies beside it is its own, from everywhere."""

import shutil
import sys

import pytest

from benchmark.declare.loading import load_study
from benchmark.errors import StudyError
from trainers.tasks import TextTask


def beside(small, **files):
    """Files beside the study."""
    for name, content in files.items():
        (small.parent / f"{name}.py").write_text(content)


LOSSES = """
from dataclasses import dataclass
from typing import ClassVar
from torch.nn import functional as F
from trainers.methods import Method

@dataclass(frozen=True)
class Mine(Method):
    name: ClassVar[str] = "self_kd"

    def loss(self, step):
        with open("weight.txt") as file:
            weight = float(file.read())
        return SIGN * weight * F.cross_entropy(step.logits, step.labels)

SIGN = 1
"""


@pytest.fixture
def with_own_loss(small):
    """The small study, with a method in a module beside it that opens a file beside it."""
    text = small.read_text().replace("SelfKD()]", "losses.Mine()]")
    small.write_text("import losses\n" + text.replace("seeds=(1, 2, 3)", "seeds=(1, 2)"))
    beside(small, losses=LOSSES)
    (small.parent / "weight.txt").write_text("1")
    return small


def cached(done):
    """How many runs of a comparison the record had."""
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.split(" runs in the comparison, ")[1].split(" cached")[0])


@pytest.mark.slow
def test_a_sign_that_is_turned_in_a_module_beside_the_study_is_trained(
    with_own_loss, bench, tmp_path, monkeypatch
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run = ("run", with_own_loss, "--store", tmp_path / "runs", "--workers", 2)
    assert cached(bench(*run)) == 0
    text = (tmp_path / "losses.py").read_text()
    (tmp_path / "losses.py").write_text(f"# a remark\n{text}")
    assert cached(bench(*run)) == 8
    (tmp_path / "losses.py").write_text(text.replace("SIGN = 1", "SIGN =-1"))
    turned = bench(*run)
    assert cached(turned) == 4  # those of base
    assert "worse" in turned.stdout or "inconclusive" in turned.stdout
    (tmp_path / "weight.txt").write_text("2")
    assert "4 to do" in bench("plan", *run[1:]).stdout


@pytest.mark.long
@pytest.mark.slow
def test_code_that_cannot_be_followed_is_trained_anew_and_judged(with_own_loss, bench, tmp_path):
    text = LOSSES.replace("SIGN *", "float(__import__('os').environ.get('SIGN', 1)) *")
    (tmp_path / "losses.py").write_text(text)
    for _ in range(2):
        done = bench("run", with_own_loss, "--workers", 2)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "base vs self_kd" in done.stdout
    assert cached(done) == 4
    (said,) = [line for line in done.stdout.splitlines() if "cannot be followed" in line]
    assert "losses.py:14" in said
    assert "4 runs" in said


def test_modules_beside_two_studies_are_never_each_others(tmp_path):
    studies = []
    for i in (1, 2):
        folder = tmp_path / str(i)
        folder.mkdir()
        (folder / "study.py").write_text(
            "import own\nfrom benchmark import Study\nstudy = own.make()\n"
        )
        (folder / "own.py").write_text(
            "from benchmark import Arm, Comparison, Judging, Study\n"
            "from trainers.methods import LS, Base\n"
            "from trainers.models import ResNet\nfrom trainers.settings import Training\n"
            "from trainers.tasks import Digits\n"
            "def make():\n    import later\n"
            "    arms = Arm.grid(ResNet(), 'scratch', [Base(), LS()])\n"
            "    return Study(later.NAME, Digits(), arms,\n"
            "        Comparison('base', 'ls'), Judging(), Training(device='cpu'))\n"
        )
        (folder / "later.py").write_text(f"NAME = 'study {i}'\n")
        studies.append(load_study(folder / "study.py"))
    assert [s.name for s in studies] == ["study 1", "study 2"]
    assert "own" not in sys.modules
    again = sys.modules[f"{_module_of(tmp_path / '1' / 'study.py')}.own"].make()
    assert again.name == "study 1"


def _module_of(path):
    from benchmark.user_code.project import Project

    return Project.of(path).package


def test_a_module_of_the_users_takes_no_name_from_anybody_else(small):
    beside(small, random="VALUE = 3\n", json="VALUE = 4\n")
    small.write_text(
        "import random, json\nassert (random.VALUE, json.VALUE) == (3, 4)\n" + small.read_text()
    )
    load_study(small)
    import json
    import random

    assert json.loads("1") == 1
    assert not hasattr(random, "VALUE")


def test_a_file_that_is_called_like_one_of_our_packages_is_passed_over_with_a_word(small, capsys):
    beside(small, stats="raise RuntimeError\n")
    small.write_text("from stats import compare\n" + small.read_text())
    load_study(small)
    (said,) = capsys.readouterr().err.splitlines()
    assert "stats is armbench's own package" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("\n1 / 0\n", "losses.py:2: ZeroDivisionError"),
        ("\nx = = 2\n", "losses.py:2: invalid syntax"),
        ("import lossses\n", "losses.py:1: ModuleNotFoundError: No module named 'lossses'"),
    ],
)
def test_a_fault_in_a_module_beside_the_study_is_named_there(small, content, said):
    beside(small, losses=content)
    small.write_text("import losses\n" + small.read_text())
    with pytest.raises(StudyError, match="losses") as raised:
        load_study(small)
    assert said in str(raised.value)


DATA = "\n".join(["text,label", *(f"word{i % 7} word{i % 5},{'ab'[i % 2]}" for i in range(60))])


@pytest.mark.slow
def test_data_are_found_beside_the_study_from_every_folder(small, bench, tmp_path, monkeypatch):
    text = small.read_text().replace(
        "task=Digits(digits=(5, 6, 7), train=60, dev=60, test=120)", "task=questions"
    )
    bert = 'Bert(layers=1, width=32, heads=2), ["scratch"]'
    text = text.replace('ResNet((8,), pretraining=source), ["pretrained", "scratch"]', bert)
    declared = (
        "from trainers.tasks import Part, TextTask\nfrom trainers.models import Bert\n"
        'questions = TextTask("questions.csv", dev=Part("train", 10), test=Part("train", 10))\n'
    )
    small.write_text(text.replace("study = Study", f"{declared}study = Study"))
    project = tmp_path / "project"
    project.mkdir()
    small = small.rename(project / "small.py")
    (project / "questions.csv").write_text(DATA)
    (tmp_path / "questions.csv").write_text("text,label\n")  # not this one
    run = ("run", "project/small.py", "--store", "runs", "--workers", 2)
    assert cached(bench(*run)) == 0
    monkeypatch.chdir(project)
    run = ("run", "small.py", "--store", "../runs", "--workers", 2)
    assert cached(bench(*run)) == 6
    shutil.copytree(project, tmp_path / "copy")
    assert cached(bench("run", "../copy/small.py", "--store", "../runs")) == 6


def test_a_path_counts_from_the_study_then_from_the_working_directory(tmp_path, monkeypatch):
    from trainers.resolve.folders import declared_beside

    study, here = tmp_path / "study", tmp_path / "here"
    for folder in (study, here):
        folder.mkdir()
        (folder / "both.csv").touch()
    (here / "one.csv").touch()
    with declared_beside(study, here):
        assert TextTask("both.csv").data == str(study / "both.csv")
        assert TextTask("one.csv").data == str(here / "one.csv")
        assert TextTask("none.csv").data == str(study / "none.csv")
        assert TextTask("SetFit/sst5").data == "SetFit/sst5"
    assert TextTask("both.csv").data == "both.csv"
