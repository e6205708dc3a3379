"""A study that cells make, as a file; and a notebook that a kernel executes."""

import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from benchmark import load, run
from benchmark.cli import main
from benchmark.declare.loading import load_study
from benchmark.errors import StudyError
from benchmark.from_python.notebook import Notebook
from tests.benchmark.from_python.scripts import DECLARED

ROOT = Path(__file__).parents[3]
CELLS = [DECLARED, "print(1)", "mine = make((1, 2))"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def executed(*cells: str) -> Notebook:
    names: dict[str, Any] = {"__name__": "cells"}
    for cell in cells:
        exec(cell, names)
    return Notebook(cells, names)


def test_the_file_binds_the_study_that_the_cells_make():
    notebook = executed(*CELLS)
    study = notebook.names["mine"]
    path = notebook.write(study, run)
    assert path == Path("notebook_from_python.py")
    assert "print(1)" not in path.read_text()
    read = load_study(path)
    assert (read.name, read.seeds, read.training) == (study.name, study.seeds, study.training)
    assert [arm.label for arm in read.arms] == [arm.label for arm in study.arms]


def test_it_is_written_anew_and_never_over_a_file_of_the_user():
    notebook = executed(*CELLS)
    path = notebook.write(notebook.names["mine"], run)
    again = executed(*CELLS, "mine = make((7,))")
    assert load_study(again.write(again.names["mine"], run)).seeds == (7,)
    path.write_text("study = 1\n")
    with pytest.raises(StudyError, match="is no file that run has written"):
        notebook.write(notebook.names["mine"], run)
    assert path.read_text() == "study = 1\n"


def test_a_study_without_a_name_and_one_that_a_loop_runs_are_told_the_way_out():
    notebook = executed(*CELLS)
    with pytest.raises(StudyError, match="has no name in the notebook"):
        notebook.write(notebook.names["make"]((1, 2)), run)
    names = {**notebook.names, "run": run}
    loop = "for seeds in [(1, 2)]:\n    mine = make(seeds)\n    run(mine)"
    with pytest.raises(StudyError, match="made by a statement that runs studies, too"):
        Notebook([*CELLS, loop], names).write(names["mine"], run)


@pytest.mark.slow
def test_the_notebook_of_the_docs_gives_what_it_shows(folder, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    kept = nbformat.read(ROOT / "docs" / "notebook.ipynb", as_version=4)
    again = deepcopy(kept)
    where = {"metadata": {"path": folder}}
    client = nbclient.NotebookClient(again, timeout=400, coalesce_streams=True, resources=where)
    client.execute()  # raises what a cell raises
    for before, after in zip(kept.cells, again.cells, strict=True):
        assert shown(before) == shown(after), before.source
    file = "notebook_digits_in_a_notebook.py"
    assert load("digits_in_a_notebook").record.study_file == str(folder / file)
    assert main(["plan", file]) == 0


def shown(cell) -> list[tuple[str, ...]]:
    """What kinds of output a cell has; digits differ from one processor to another."""
    return [(each.output_type, *sorted(each.get("data", {}))) for each in cell.get("outputs", ())]
