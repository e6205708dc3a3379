"""A name that is read means one thing, and modules that know each other are one module."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

import benchmark
import stats

ROOT = Path(__file__).parents[2]
MODULES = [
    file
    for package in ("benchmark", "stats", "trainers")
    for file in (ROOT / package).rglob("*.py")
]


def test_no_two_public_classes_have_one_name():
    places = defaultdict(list)
    for file in MODULES:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(file.relative_to(ROOT)))
    assert len(places) > 200
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_no_neighbours_differ_by_an_s():
    names = defaultdict(set)
    for file in MODULES:
        names[file.parent].add(file.stem)
    twins = [
        (room.name, name) for room, known in names.items() for name in known if f"{name}s" in known
    ]
    assert twins == []


def defined(file: Path) -> Iterator[str]:
    """Public functions, classes and names of types that stand in a module."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            types = [each.id for each in node.targets if isinstance(each, ast.Name)]
            yield from (name for name in types if not name.isupper())


@pytest.mark.parametrize("package", ["benchmark", "stats", "trainers"])
def test_no_names_of_one_package_differ_by_an_s(package: str):
    files = [file for file in MODULES if file.relative_to(ROOT).parts[0] == package]
    names = {name for file in files for name in defined(file) if not name.startswith("_")}
    assert len(names) > 200
    assert sorted(name for name in names if f"{name}s" in names) == []


@pytest.mark.parametrize("door", [benchmark, stats])
def test_no_names_at_a_front_door_differ_by_an_s(door: ModuleType):
    assert sorted(name for name in door.__all__ if f"{name}s" in door.__all__) == []
    assert len(door.__all__) <= 45


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(file: Path) -> Iterator[str]:
    """Every name that a module imports, also where only types are checked or a function runs."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_no_modules_import_each_other_anywhere():
    files = {name_of(file): file for file in MODULES}
    arrows = defaultdict(set)
    for name, file in files.items():
        for each in imported(file):
            target = each if each in files else each.rpartition(".")[0]
            if target in files and target != name:
                arrows[name].add(target)
    assert sum(map(len, arrows.values())) > 1_000
    TopologicalSorter(arrows).prepare()  # raises with the circle that it finds
