"""The docstring task, on invented packages that are installed for the test."""

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trainers.errors import TaskError
from trainers.tasks import Docstrings
from trainers.tasks.duplicates.near_duplicates import words
from trainers.tasks.embedded import pool

SPLITS = ("train", "dev", "test")


def modules_of(task: Docstrings, folder: Path, split: str, seed: int = 0) -> set[str]:
    found = pool.read(folder)
    return {found.modules[found.rows[i, 0]] for i in task.load(split, folder, seed).ids}


@pytest.mark.parametrize("splits", ["fixed", "per_seed"])
def test_no_module_is_on_two_sides(small, folder, splits):
    task = replace(small, splits=splits)
    seen = {
        split: set().union(*(modules_of(task, folder, split, seed) for seed in range(5)))
        for split in SPLITS
    }
    assert all(seen.values())
    assert not seen["train"] & seen["dev"]
    assert not seen["train"] & seen["test"]
    assert not seen["dev"] & seen["test"]


@pytest.mark.parametrize(("label", "sizes"), [("package", (40, 10, 12)), ("pair", (40, 10, 12))])
def test_splits_have_the_stated_sizes_and_are_balanced(small, folder, label, sizes):
    task = replace(small, label=label)
    for split, size in zip(SPLITS, sizes, strict=True):
        examples = task.load(split, folder, seed=0)
        assert len(examples) == size == task.sizes[split]
        assert set(Counter(examples.labels.tolist()).values()) == {size // 2}
        assert all(len(column) == size for column in examples.inputs.values())


def test_labels_name_the_package_that_the_text_is_from(small, folder):
    found, examples = pool.read(folder), small.load("train", folder, seed=0)
    for i, label in zip(examples.ids, examples.labels, strict=True):
        assert found.modules[found.rows[i, 0]].startswith(small.classes[label])


def test_a_module_belongs_to_the_innermost_submodule_around_it(small, folder):
    names = ("alphapack", "alphapack.two", "betapack.one", "betapack.two")
    task = replace(small, label="submodule", submodules=names, train=40, dev=8, test=12)
    found, examples = pool.read(folder), task.load("train", folder, seed=0)
    assert Counter(examples.labels.tolist()) == {0: 10, 1: 10, 2: 10, 3: 10}
    for i, label in zip(examples.ids, examples.labels, strict=True):
        module = found.modules[found.rows[i, 0]]
        assert module.startswith(f"{names[label]}.")
        assert (label == 0) == module.startswith("alphapack.one.")


def test_a_pair_is_either_a_whole_docstring_or_has_another_body(small, folder):
    found = pool.read(folder)
    own = dict(zip(found.summaries, found.bodies, strict=True))
    examples = replace(small, label="pair").load("train", folder, seed=0)
    texts, bodies = examples.inputs["text"], examples.inputs["text_pair"]
    for text, body, label in zip(texts, bodies, examples.labels, strict=True):
        assert body
        assert (own[text] == body) == (label == 1)
    assert len(set(bodies)) == len(bodies)


def test_another_body_is_from_the_same_package_and_side(small, folder):
    found = pool.read(folder)
    row_of = {body: i for i, body in enumerate(found.bodies) if body}
    examples = replace(small, label="pair").load("test", folder, seed=0)
    for i, body in zip(examples.ids, examples.inputs["text_pair"], strict=True):
        here, there = found.rows[i], found.rows[row_of[body]]
        assert here[2] == there[2]
        assert found.modules[here[0]].split(".")[0] == found.modules[there[0]].split(".")[0]


def test_fixed_splits_ignore_the_seed(small, folder):
    assert not small.per_seed
    for split in SPLITS:
        one, two = small.load(split, folder, 1), small.load(split, folder, 2)
        assert np.array_equal(one.ids, two.ids)


def test_every_seed_draws_its_own_splits_and_repeats_them(small, folder):
    task = replace(small, splits="per_seed")
    assert task.per_seed
    one, two, again = (task.load("train", folder, seed) for seed in (1, 2, 1))
    assert not np.array_equal(one.ids, two.ids)
    assert np.array_equal(one.ids, again.ids)


def test_an_id_means_the_same_example_whatever_the_seed_and_the_size(small, folder):
    seen: dict[tuple[str, int], tuple] = {}
    for label in ("package", "pair"):
        for size in (20, 40):
            task = replace(small, label=label, splits="per_seed", train=size)
            for seed in range(4):
                examples = task.load("train", folder, seed)
                columns = zip(*examples.inputs.values(), strict=True)
                for i, row, y in zip(examples.ids, columns, examples.labels, strict=True):
                    assert seen.setdefault((label, int(i)), (row, y)) == (row, y)


def test_a_larger_split_contains_the_smaller(small, folder):
    smaller = replace(small, train=20).load("train", folder, 0)
    assert set(smaller.ids) < set(small.load("train", folder, 0).ids)


def test_the_corpus_is_train_modules_and_further_packages_only(small, folder):
    found = pool.read(folder)
    text = "\n".join(" ".join(words(line)) for line in small.corpus(folder))
    for i, summary in enumerate(found.summaries):
        shows = " ".join(words(summary)) in text
        assert shows == (found.rows[i, 2] == pool.SIDES.index("train"))


def test_a_dev_or_test_text_repeated_on_the_train_side_leaves_the_corpus(small, folder, install):
    (folder / "again").mkdir()
    secret = small.load("test", folder, 0).inputs["text"][0]
    other = "Nothing of this paragraph is known from anywhere else in the world."
    install("gammapack", {"copy.py": f'"""Before it. {secret} After it.\n\n{other}\n"""\n'})
    small.prepare(folder / "again")
    text = "\n".join(small.corpus(folder / "again"))
    assert other in text
    assert secret not in text


def test_no_other_text_of_a_dev_or_test_module_is_in_the_corpus(small, install, tmp_path):
    # Too short for an example: only its module keeps the rest of the docstring out.
    files = {f"m{i}.py": f'"""Short.\n\nNumber {i} of many modules.\n"""' for i in range(30)}
    install("alphapack", files)
    (tmp_path / "out").mkdir()
    small.prepare(tmp_path / "out")
    text = "\n".join(small.corpus(tmp_path / "out"))
    sides = [pool.side(f"alphapack.m{i}") for i in range(30)]
    assert set(sides) == {0, 1, 2}
    assert [f"Number {i} of" in text for i in range(30)] == [side == 0 for side in sides]


def test_package_names_are_masked_in_examples_and_corpus(small, folder):
    found = pool.read(folder)
    everything = [*found.summaries, *found.bodies, *small.corpus(folder)]
    assert not any(re.search("alphapack|betapack", text, re.IGNORECASE) for text in everything)
    assert any(text.endswith(" by package.Thing.") for text in found.summaries)


def test_nothing_is_imported_or_executed(small, install, tmp_path, monkeypatch):
    marker = tmp_path / "executed"
    source = f'"""Writes a file as soon as it runs."""\nopen({str(marker)!r}, "w").close()\n'
    install("gammapack", {"__init__.py": source, "inner.py": source})
    (tmp_path / "out").mkdir()
    small.fingerprint()
    small.prepare(tmp_path / "out")
    assert any("soon as it runs" in text for text in small.corpus(tmp_path / "out"))
    assert not marker.exists()
    assert "gammapack" not in sys.modules


@pytest.mark.slow
def test_two_processes_prepare_the_same_bytes(small, site, tmp_path):
    script = (
        "import sys; from pathlib import Path; from trainers.tasks import Docstrings;"
        f"Docstrings(packages={small.packages}, further={small.further}, train=40, dev=10, test=12,"
        "vocabulary=600).prepare(Path(sys.argv[1]))"
    )
    written = []
    for i in (1, 2):
        out = tmp_path / f"process{i}"
        out.mkdir()
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(site), str(Path(__file__).parents[3])]),
            "PYTHONHASHSEED": str(i),
            "RAYON_NUM_THREADS": str(i),
        }
        subprocess.run([sys.executable, "-c", script, str(out)], env=environment, check=True)
        written.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert written[0] == written[1]
    assert {"corpus.txt", "tokenizer.json", "summaries.txt"} <= written[0].keys()


def test_a_changed_package_gives_a_new_fingerprint(small, install, site):
    before = small.fingerprint()
    assert before == small.fingerprint()
    record = site / "gammapack-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text().replace("two/m0.py,sha256=", "two/m0.py,sha256=1"))
    changed = small.fingerprint()
    (site / "betapack-1.0.dist-info" / "METADATA").write_text("Name: betapack\nVersion: 1.1\n")
    assert len({before, changed, small.fingerprint()}) == 3


def test_scripts_and_compiled_files_leave_the_fingerprint_alone(small, site):
    before = small.fingerprint()
    record = site / "gammapack-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text().replace("../../bin/", "../../../elsewhere/"))
    record.write_text(record.read_text() + "gammapack/__pycache__/b.pyc,,\n")
    assert small.fingerprint() == before


def test_labels_share_the_prepared_folder_but_not_the_specification(small):
    pair = replace(small, label="pair")
    assert pair.fingerprint() == small.fingerprint()
    assert pair.specification() != small.specification()
    assert replace(small, train=20).specification() != small.specification()
    assert replace(small, vocabulary=700).fingerprint() != small.fingerprint()


def test_too_large_a_size_is_refused_with_the_count_of_every_class(small, folder):
    task = replace(small, test=100_000)
    with pytest.raises(TaskError, match=r"there are: alphapack \d+, betapack \d+") as error:
        task.load("test", folder, 0)
    largest = int(re.search(r"test=(\d+)\.$", str(error.value))[1])
    assert len(replace(small, test=largest).load("test", folder, 0)) == largest


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path):
    task = Docstrings(packages=("sklearn", "no_such_thing"), further=("nor_this",))
    message = "pip install no_such_thing nor_this"
    with pytest.raises(TaskError, match=message):
        task.fingerprint()
    with pytest.raises(TaskError, match=message):
        task.prepare(tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"label": "author"}, '"package", "kind", "submodule", "pair"'),
        ({"splits": "random"}, '"fixed", "per_seed"'),
        ({"train": 2401}, "2400 or 2408"),
        ({"train": 3}, "nearest size that can: 8"),
        ({"dev": 0}, "dev=0"),
        ({"test": 16.0}, "whole number"),
        ({"vocabulary": 100}, "at least 261"),
        ({"packages": ()}, "at least one"),
        ({"packages": ("numpy",), "train": 8}, "at least two, once each"),
        ({"further": ("numpy",)}, "numpy is named twice"),
    ],
)
def test_a_wrong_field_is_refused_with_the_way_out(fields, message):
    with pytest.raises(TaskError, match=re.escape(message)):
        Docstrings(**fields)


def test_more_docstrings_than_there_are_is_said_before_anything_is_prepared(small):
    assert small.requirements() == ()
    needs = replace(small, train=10**7, test=2 * 10**6).requirements()
    assert [need.where.split(" needs")[0] for need in needs] == [
        'Docstrings(label="package"): train=10000000',
        'Docstrings(label="package"): test=2000000',
    ]
    assert all("but there are: alphapack " in need.where for need in needs)
