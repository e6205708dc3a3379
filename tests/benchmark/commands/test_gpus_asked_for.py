"""`--gpus` and `--runs-per-gpu`: what is refused before anything is trained, said, and done."""

import os

import pytest
import torch

from benchmark.checks.gpus import chosen
from benchmark.commands.options import gpus
from benchmark.errors import BenchmarkError, StudyError
from benchmark.execute.gpus.gpu import VISIBLE, Gpu, GpuBox, look
from benchmark.record.query import Query
from benchmark.session.planning import print_plan
from benchmark.session.session import Session
from benchmark.session.training import FINISHED, run_session
from tests.benchmark.execute.gpu_boxes import box, options, write_study

WITHOUT_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
TWO = box(80_000, 80_000)


@pytest.fixture(autouse=True)
def what_is_visible(monkeypatch):
    """As it was, after a test in which this process hides GPUs from itself."""
    for name in (*VISIBLE, "CUDA_DEVICE_ORDER"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [("all", [0, 1, 2]), ("2", [0, 1]), ("0,2", [0, 2]), ("2,0", [2, 0]), ("1,", [1])],
)
def test_gpus_are_all_or_so_many_or_those_of_some_numbers(asked, numbers):
    assert [gpu.number for gpu in chosen(gpus(asked), box(1, 1, 1))] == numbers


MIXED = GpuBox((*TWO.gpus, Gpu(2, "older", 16_000, "12")), "2.13.0")


@pytest.mark.parametrize(
    ("asked", "there", "said"),
    [
        (4, TWO, "--gpus 4: there are 2 GPUs here, 0 and 1; ask for --gpus 2 or --gpus all."),
        (2, box(1), "--gpus 2: there is one GPU here, 0; ask for --gpus 1 or --gpus all."),
        (
            (0, 5),
            TWO,
            "--gpus 0,5: there is no GPU 5 here, only 0 and 1; name some of these.",
        ),
        (
            "all",
            box(),
            "--gpus all: torch 0.0 sees no GPU here; leave out --gpus, and runs are trained "
            "without, or install a torch that is built for the GPU.",
        ),
        (
            "all",
            MIXED,
            "--gpus all: they are of 2 kinds (made up: 0 and 1; older: 2), and runs that are "
            "trained on several are no pairs; name those of one kind, as --gpus 0,1.",
        ),
    ],
)
def test_gpus_that_are_not_there_or_do_not_go_together_are_refused(asked, there, said):
    with pytest.raises(BenchmarkError) as refused:
        chosen(asked, there)
    assert str(refused.value) == said
    assert not any(name in os.environ for name in VISIBLE)


@WITHOUT_GPU
@pytest.mark.parametrize("command", ["run", "tune", "plan"])
def test_where_there_is_no_gpu_a_sentence_says_so(command, small, bench, tmp_path):
    done = bench(command, small, "--gpus", "all")
    assert done.returncode == 2
    assert done.stderr.startswith(f"bench: --gpus all: torch {torch.__version__} sees no GPU here;")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "mlruns").exists()
    assert look().gpus == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gpus", "0,1,0"], "'0,1,0' names GPU 0 twice; name it once"),
        (["--gpus", "some"], "'some' is neither all, nor how many GPUs, nor their numbers as in"),
        (["--gpus", "-1"], "'-1' is neither all"),
        (["--gpus", ""], "'' is neither all"),
        (["--gpus", "0"], "'0,' is the one of number 0"),
        (["--gpus", "2", "--runs-per-gpu", "0"], "'0' is not a whole number of at least 1"),
        (["--gpus", "2", "--runs-per-gpu", "many"], "'many' is not a whole number of at least 1"),
        (["--runs-per-gpu", "2"], "--runs-per-gpu 2 says nothing without GPUs: add --gpus all"),
        (["--gpus", "2", "--workers", "4"], "--workers 4 and --gpus both say how many runs go"),
        (["--gpus", "2", "--smoke"], "leave out --gpus."),
    ],
)
def test_what_does_not_fit_together_is_refused_before_anything_is_trained(
    arguments, said, small, bench, tmp_path
):
    done = bench("run", small, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "mlruns").exists()


def test_a_study_on_the_cpu_takes_no_gpus(small, tmp_path):
    told = options(small, gpus="all")
    with pytest.raises(StudyError, match='arms are trained with device="cpu", which takes none of'):
        Session.of(told, find_gpus=lambda: TWO)
    assert not (tmp_path / "mlruns").exists()


def test_the_command_itself_sees_the_gpus_that_it_takes_and_no_others(tmp_path):
    told = options(write_study(tmp_path), gpus=(2, 0))
    session = Session.of(told, find_gpus=lambda: box(1, 1, 1))
    assert [os.environ[name] for name in VISIBLE] == ["12,10", "12,10"]
    assert session.execution.workers == 2
    assert session.engine.free == 2


@pytest.mark.slow
def test_a_study_runs_on_all_gpus_and_says_so(tmp_path, capsys):
    told = options(write_study(tmp_path, seeds=(1, 2, 3)), gpus="all", runs_per_gpu=2)
    session = Session.of(told, find_gpus=lambda: TWO)
    assert run_session(session) == FINISHED
    assert "7 to do with 4 workers on 2 GPUs, about" in capsys.readouterr().out
    finished = Query(session.connection).finished()
    assert finished.keys() == set(session.plan().cells), "keys do not know of GPUs"


@pytest.mark.long
@pytest.mark.slow
def test_a_run_that_was_crowded_out_is_named_when_all_is_done(tmp_path, capsys):
    greedy = """
        if os.environ.get("CUDA_VISIBLE_DEVICES") == "10":  # in a worker, not where steps are timed
            try:
                Path("tried").mkdir()
            except FileExistsError:
                pass
            else:
                raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().loss(step)
"""
    told = options(write_study(tmp_path, greedy.strip()), gpus="all", runs_per_gpu=4)
    session = Session.of(told, find_gpus=lambda: TWO)
    assert run_session(session) == FINISHED
    said = capsys.readouterr().out
    assert "Out of memory beside others, and tried again alone: odd · scratch · " in said
    assert "failed" not in said


def test_a_plan_says_which_run_goes_where(tmp_path, capsys):
    told = options(write_study(tmp_path, seeds=(1, 2, 3, 4)), gpus="all", runs_per_gpu=2)
    assert print_plan(told, find_gpus=lambda: TWO) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "2 GPUs, 2 runs side by side on each: 4 at a time." in said
    assert "0 made up 80.0 GB" in said
    assert "1 made up 80.0 GB" in said
    assert "with 4 workers" in said


@pytest.mark.long
@pytest.mark.slow
def test_a_plan_says_what_is_known_of_memory(tmp_path, capsys):
    told = options(write_study(tmp_path), gpus="all", runs_per_gpu="auto")
    assert print_plan(told, find_gpus=lambda: TWO) == 0
    said = " ".join(capsys.readouterr().out.split())
    unknown = "the first of base · scratch, odd · scratch is measured alone, others follow it"
    assert f"as memory allows: {unknown}." in said

    session = Session.of(told, find_gpus=lambda: TWO)
    assert run_session(session) == FINISHED
    longer = options(write_study(tmp_path, seeds=range(1, 5)), gpus=1, runs_per_gpu="auto")
    capsys.readouterr()
    assert print_plan(longer, find_gpus=lambda: TWO) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "base · scratch takes" in said
    assert "on each GPU" in said
    assert "measured alone" not in said
