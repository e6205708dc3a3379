"""Which statements of a notebook make a study."""

import pytest

from benchmark.from_python.cells import module_of, parts_for


def kept(name: str, *cells: str) -> list[str]:
    return [part.text for part in parts_for(name, cells)]


def test_what_a_name_needs_is_taken_in_the_order_of_execution_and_no_more():
    cells = [
        "import os\nfrom functools import cache\nfrom math import sqrt\nprint(os.getcwd())",
        "@cache\ndef f(x):\n    other = sqrt(x)\n    return other + K",
        "other = 3\nK = 2\nstudy = f(4)\nresults = run(study)",
    ]
    assert kept("study", *cells) == [
        "from functools import cache",
        "from math import sqrt",
        "@cache\ndef f(x):\n    other = sqrt(x)\n    return other + K",
        "K = 2",
        "study = f(4)",
    ]


def test_a_cell_that_is_executed_again_takes_nothing_from_those_before_it():
    assert kept("a", "from m import f", "a = f(1)", "from m import f") == [
        "from m import f",
        "a = f(1)",
        "from m import f",
    ]
    assert kept("a", "K = 1", "def f():\n    return K", "a = f()", "K = 1")[-1] == "K = 1"


def test_of_several_bindings_the_last_counts_and_one_that_reads_itself_takes_those_before():
    assert kept("a", "a = 1", "a = 2", "b = 3") == ["a = 2"]
    assert kept("a", "a = 1", "a = 2", "a += b", "b = 3") == ["a = 2", "a += b", "b = 3"]
    assert kept("a", "a = 1", "if b:\n    a = 2", "b = 1") == ["a = 1", "if b:\n    a = 2", "b = 1"]


@pytest.mark.parametrize("change", ["a.append(b)", "a[0] = b", "a.part.sign = b", "del a[0]"])
def test_what_changes_it_in_place_belongs_to_it(change):
    assert kept("a", "a = [0]\nb = 1", f"{change}\nprint(a)")[-1] == change


def test_loops_belong_to_what_they_fill():
    loop = "for b in range(3):\n    a.append(b)"
    assert kept("a", "a = []", loop) == ["a = []", loop]


def test_what_is_no_python_and_who_reads_a_name_alone_are_passed_over():
    assert kept("a", "a = 1", "a = = 2", "print(a)", "b = a") == ["a = 1"]


def test_statements_on_one_line_stay_together_and_imports_of_everything_are_kept_if_needed():
    assert kept("a", "a = f(1); b = 2", "from m import *") == ["a = f(1); b = 2", "from m import *"]
    assert kept("a", "a = len([1])", "from m import *") == ["a = len([1])"]


def test_a_module_binds_the_study_by_its_own_name():
    parts = parts_for("mine", ["x = 1\nmine = x + 1"])
    names: dict[str, object] = {}
    exec(module_of(parts, "mine", "Heading."), names)
    assert names["study"] == names["mine"] == 2
    assert names["__doc__"] == "Heading."
