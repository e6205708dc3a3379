"""The pool of docstrings."""

from collections import Counter

import numpy as np

from trainers.tasks.embedded import pool
from trainers.tasks.embedded.extraction import Document

TEXT = "Solve a system of linear equations by elimination."
REST = "The matrix is taken to be square and of full rank, and is not changed."

#: One module name for each side.
TRAIN, DEV, TEST = (
    next(f"alphapack.m{i}" for i in range(100) if pool.side(f"alphapack.m{i}") == side)
    for side in range(3)
)


def test_of_similar_texts_the_one_on_the_test_side_stays():
    found = [
        Document(TRAIN, "function", [TEXT]),
        Document(DEV, "function", [TEXT.upper()]),
        Document(TEST, "method", [TEXT.rstrip(".")]),
        Document(TRAIN, "class", ["Something else that is only said here."]),
    ]
    built = pool.build(found)
    assert [built.modules[row[0]] for row in built.rows] == [TEST, TRAIN]
    assert [pool.KINDS[row[1]] for row in built.rows] == ["method", "class"]


def test_a_repeated_body_belongs_to_one_summary_only():
    found = [Document(TRAIN, "function", [TEXT, REST]), Document(DEV, "function", [REST, REST])]
    built = pool.build(found)
    assert built.summaries == [REST, TEXT]
    assert built.bodies == [REST, ""]


def test_a_short_body_is_none_and_a_long_one_is_cut():
    long = " ".join(f"word{i}" for i in range(100))
    found = [
        Document(TRAIN, "function", [TEXT, "Too short."]),
        Document(TRAIN, "function", ["Another summary of four words.", long]),
    ]
    built = pool.build(found)
    assert built.bodies[0] == ""
    assert built.bodies[1].split() == long.split()[: pool.BODY_WORDS[1]]


def test_sides_have_their_shares_of_modules():
    counts = Counter(pool.side(f"package.module{i}") for i in range(5000))
    assert np.allclose([counts[i] / 5000 for i in range(3)], pool.SHARES, atol=0.02)


def test_a_pool_is_read_as_it_was_written(tmp_path):
    built = pool.build([Document(TRAIN, "function", [TEXT + " ", REST + "\u2028 ∑"])])
    pool.write(built, tmp_path)
    again = pool.read(tmp_path)
    assert (again.modules, again.summaries, again.bodies) == (
        built.modules,
        built.summaries,
        built.bodies,
    )
    assert np.array_equal(again.rows, built.rows)
