"""Streams that do not disturb each other, and batches that hold every example once."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainers.inputs.batches import Encoded, Ragged, evaluation_order, training_order
from trainers.seeding import initialising, numpy_stream, seed_dropout, stream_seed

lengths = st.lists(st.integers(1, 40), min_size=1, max_size=200).map(np.array)


@given(st.integers(0, 2**32), st.integers(0, 1000))
def test_streams_of_one_seed_differ_and_repeat(seed, counter):
    streams = ("initialisation", "order", "dropout", "split", "method")
    seeds = [stream_seed(seed, stream, counter) for stream in streams]
    assert len(set(seeds)) == len(streams)
    assert seeds == [stream_seed(seed, stream, counter) for stream in streams]
    assert all(0 <= s < 2**63 for s in seeds)


def test_initialising_leaves_the_callers_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with initialising(1):
        torch.rand(100)
    assert torch.equal(torch.rand(3), expected)


def test_dropout_of_a_step_does_not_depend_on_what_was_drawn_before():
    seed_dropout(3, 7)
    expected = torch.rand(4)
    torch.rand(1000)
    seed_dropout(3, 7)
    assert torch.equal(torch.rand(4), expected)


@given(lengths, st.integers(1, 17), st.integers(0, 5))
def test_an_epoch_holds_every_row_once_in_full_batches_but_one(lengths, batch_size, seed):
    batches = list(training_order(lengths, batch_size, numpy_stream(seed, "order")))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    full, rest = divmod(len(lengths), batch_size)
    assert sorted(map(len, batches)) == [rest] * (rest > 0) + [batch_size] * full


@given(lengths, st.integers(1, 17), st.integers(0, 5))
def test_which_rows_are_in_the_short_batch_does_not_depend_on_lengths(lengths, batch_size, seed):
    """Rows are then exchangeable there, so that each has the same expected weight, for every n."""

    def short(lengths):
        batches = training_order(lengths, batch_size, numpy_stream(seed, "order"))
        return {int(row) for rows in batches if len(rows) < batch_size for row in rows}

    assert short(lengths) == short(lengths[::-1]) == short(np.ones_like(lengths))
    assert len(short(lengths)) == len(lengths) % batch_size


@pytest.mark.parametrize(("n", "batch_size"), [(100, 32), (37, 16), (20, 3), (70, 4)])
def test_over_the_epochs_every_row_weighs_the_same_however_long_it_is(n, batch_size):
    """A row weighs 1/b in the mean of a batch of b; the longest used to be in the short one."""
    lengths, weights, epochs = np.arange(1, n + 1), np.zeros(n), 2000
    draws = np.random.default_rng(0)
    for _ in range(epochs):
        for rows in training_order(lengths, batch_size, draws):
            weights[rows] += 1 / len(rows)
    full, rest = divmod(n, batch_size)
    expected = (full + 1) / n
    share = rest / n
    spread = (1 / rest - 1 / batch_size) * np.sqrt(share * (1 - share) / epochs)
    assert np.abs(weights / epochs - expected).max() < 5 * spread


@given(lengths, st.integers(1, 17))
def test_evaluation_reads_every_row_once_from_short_to_long(lengths, batch_size):
    rows = np.concatenate(list(evaluation_order(lengths, batch_size)))
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    assert (np.diff(lengths[rows]) >= 0).all()


def test_batches_of_similar_length_pad_less_than_random_ones():
    draws = np.random.default_rng(0)
    lengths = draws.integers(3, 60, 2000)

    def padded(batches):
        return sum(lengths[rows].max() * len(rows) for rows in batches)

    random = np.array_split(draws.permutation(2000), 63)
    assert padded(training_order(lengths, 32, draws)) < 0.75 * padded(random)


@given(st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=9), min_size=1, max_size=9))
def test_padding_keeps_every_token_and_masks_the_rest(rows):
    n = len(rows)
    encoded = Encoded(
        np.arange(n), np.zeros(n, np.int64), {"input_ids": Ragged.of(rows)}, {"input_ids": 0}
    )
    batch = encoded.batch(np.arange(n)[::-1].copy(), torch.device("cpu"))
    ids, mask = batch.inputs["input_ids"], batch.inputs["attention_mask"].bool()
    assert [row[m].tolist() for row, m in zip(ids, mask, strict=True)] == rows[::-1]
    assert (ids[~mask] == 0).all()
