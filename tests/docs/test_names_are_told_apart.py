"""A name that is read means one thing."""

import ast
from collections import defaultdict
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
