"""What is wrong with a study is said at load: file, line, arm, field, and the way out."""

import re
from pathlib import Path

import pytest

from benchmark.declare.loading import load_study
from benchmark.declare.study import PAPER_SEEDS
from benchmark.errors import StudyError, Underpowered

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "quick-starts.md"


def changed(small: Path, old: str, new: str) -> Path:
    text = small.read_text()
    assert old in text
    small.write_text(text.replace(old, new))
    return small


@pytest.mark.sampled(test=4)
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name="small"', 'name=" "', "name must be a text"),
        ("margin=2.0", "margin=-1", "margin must"),
        ("margin=2.0", "margin=2.0, alpha=1.5", "alpha must lie between 0 and 1"),
        ("margin=2.0", 'margin=2.0, correction="x"', "correction"),
        ("margin=2.0", 'margin=2.0, family="x"', "family"),
        ("seeds=(1, 2, 3)", "seeds=(1, 1, 3)", "same seed twice"),
        ("seeds=(1, 2, 3)", "seeds=(1, 2.5)", "seeds must be whole numbers"),
        ("seeds=(1, 2, 3)", "seeds=6", "seeds must be several, as (1, 2, 3) or range(8), not 6"),
        ("judging=Judging(margin=2.0),", "", "Study lacks judging="),
        ("margin=2.0", "margins=2.0", "Judging takes no margins=; did you mean margin?"),
        ('"self_kd")', '"kd")', 'no arm "kd" among base, self_kd'),
        ('"base", "self_kd"', '"base", "base"', "its own candidate"),
        ('["pretrained", "scratch"]', '["trained"]', 'arm "base": init must be'),
        ("ResNet((8,), pretraining=source)", "ResNet((8,))", "declares no pretraining"),
        ("[Base(), SelfKD()]", "[Base(), Base()]", "declared twice"),
        ("[Base(), SelfKD()]", "[Base, SelfKD()]", "must be an instance of a method"),
        ("[Base(), SelfKD()]", "[Base(), SelfKD(alpha=3)]", "alpha must lie between 0 and 1"),
        ("lr=3e-3", "lr=-1", "lr must be a number above 0"),
        ("train=60, dev=60", "train=61, dev=60", "train=61"),
        ("quick =", "quick = 1 +", "TypeError"),
        ("seeds=(1, 2, 3)", "seeds=()", "seeds is empty"),
        ("margin=2.0", "margin=2.0, lower_is_better=True", 'more of "accuracy" is better, and'),
        ("margin=2.0", 'margin=2.0, lower_is_better="no"', "must be True, False or None"),
        ("margin=2.0", 'margin=2.0, metric="acuracy"', 'metric "acuracy" is none of accuracy'),
        ("training=quick,\n    seeds", "training={},\n    seeds", "training must be a Training"),
        ("task=Digits(digits=(5, 6, 7), train=60, dev=60, test=120)", "task=()", "task is empty"),
        ("[Base(), SelfKD()]", "[Base(), KD(teacher='bert')]", "a teacher's model must be"),
        (
            'Arm.grid(ResNet((8,), pretraining=source), ["pretrained", ',
            "Arm.grid(Bert(), [",
            "reads text, and digits/567 has images",
        ),
        ("study = Study(", "study = Study((", "was never closed"),
        ("study = Study(", "studies = Study(", '"study" must be bound to a Study'),
    ],
)
def test_a_wrong_study_is_refused_by_file_and_field(small, bench, old, new, said):
    imports = "from trainers.methods import KD\nfrom trainers.models import Bert\n"
    small.write_text(imports + small.read_text())
    done = bench("plan", changed(small, old, new))
    assert done.returncode == 2
    assert said in done.stderr
    assert "small.py" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_line_of_the_mistake_is_named(small):
    changed(small, "SelfKD()]", "SelfKD(tau=0)]")
    with pytest.raises(StudyError, match=rf"{small.name}:\d+: SelfKD\(tau=0\)"):
        load_study(small)


def test_two_tasks_that_tables_could_not_tell_apart_are_refused(small):
    task = "Digits(digits=(5, 6, 7), train=60, dev=60, test=120)"
    changed(small, f"task={task}", f"task=({task}, {task})")
    with pytest.raises(StudyError, match='two tasks are called "digits/567"'):
        load_study(small)


def test_an_arm_that_lacks_its_teacher_is_named(small):
    changed(small, "import Base, SelfKD", "import Base, KD")
    changed(small, "SelfKD()]", "KD()]")
    changed(small, '"self_kd"', '"kd"')
    with pytest.raises(StudyError, match=r'arm "kd · pretrained": KD needs a teacher'):
        load_study(small)


def test_a_study_that_can_never_reach_its_alpha_is_refused_with_the_seeds_it_needs(small, bench):
    changed(small, "    allow_underpowered=True,\n", "")
    with pytest.raises(Underpowered, match=r"3 seeds can never reach α = 0.05.* Take 6 seeds"):
        load_study(small)
    done = bench("run", small)
    assert done.returncode == 2
    assert "allow_underpowered=True" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "missing.py"),
        ("run", "missing.py", "--workers", "0"),
        ("fly",),
        ("stats",),
        ("stats", "nothing"),
        ("stats", "--compare", "base"),
        ("stats", "--input", "missing.csv", "--compare", "a", "b"),
        ("ui",),
    ],
)
def test_misuse_exits_with_two_and_one_message(bench, arguments):
    done = bench(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_a_store_that_cannot_be_made_is_named(small, bench, tmp_path):
    (tmp_path / "file").write_text("no folder")
    done = bench("run", small, "--store", tmp_path / "file" / "store")
    assert done.returncode == 2
    assert "is no folder" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "path",
    sorted(file for room in ("", "templates") for file in (ROOT / "studies" / room).glob("*.py")),
    ids=lambda p: p.stem,
)
def test_every_study_here_loads_and_is_short(path):
    study = load_study(path)
    assert study.name == path.stem
    assert study.seeds == PAPER_SEEDS
    assert study.smallest_p < study.judging.alpha
    assert len(path.read_text().splitlines()) < 40


@pytest.mark.long
@pytest.mark.slow
def test_the_method_of_the_quick_starts_runs_as_it_stands_there(small, bench):
    (method,) = re.findall(r"```python\n(@dataclass.*?)```", PAGE.read_text(), re.S)
    assert len(method.strip().splitlines()) < 15
    imports = (
        "from dataclasses import dataclass\nfrom typing import ClassVar\n"
        "from torch import Tensor\nfrom torch.nn import functional as F\n"
        "from trainers.methods import Method, Step\n"
    )
    text = small.read_text().replace("quick =", f"{imports}\n{method}\nquick =", 1)
    text = text.replace("SelfKD()]", "FocalLoss(gamma=2)]")
    small.write_text(text.replace('"self_kd"', '"focal_loss"'))
    done = bench("run", small, "--workers", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "base vs focal_loss" in done.stdout


#: Prints by command what is heavy and imported for its help, in a process for each.
HELP = """
import os, sys
from benchmark.cli import COMMANDS, parser
for name in COMMANDS:
    if not os.fork():
        parser([name])
        heavy = {"torch", "mlflow", "numpy", "pandas", "scipy", "rich"} & sys.modules.keys()
        print(name, *heavy, flush=True)
        os._exit(0)
    os.wait()
"""


def test_help_imports_nothing_heavy():
    import subprocess
    import sys

    from benchmark.cli import COMMANDS

    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [*COMMANDS]
