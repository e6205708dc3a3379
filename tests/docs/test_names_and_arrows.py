"""A name that is read means one thing, and modules that know each other are one module."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

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
