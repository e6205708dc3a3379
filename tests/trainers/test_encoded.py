"""What a model reads comes back from disk as it was."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainers.inputs.batches import Encoded, Ragged

ROWS = st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=5), min_size=1, max_size=6)


@settings(max_examples=30)
@given(ROWS, st.booleans())
def test_it_is_read_as_it_was_written(rows: list[list[int]], typed: bool) -> None:
    n = len(rows)
    ragged = {"input_ids": Ragged.of(rows)}
    if typed:
        ragged["token_type_ids"] = Ragged.of([[1] * len(row) for row in rows])
    dense = {"pixel_values": np.ones((n, 2), np.float32)} if typed else {}
    one = Encoded(
        np.arange(n) + 7, np.arange(n) % 3, ragged, {"input_ids": 4, "token_type_ids": 0}, dense
    )
    with TemporaryDirectory() as name:
        one.save(Path(name))
        other = Encoded.open(Path(name))
        assert other.padding == one.padding
        assert np.array_equal(other.lengths, one.lengths)
        if not one.lengths.max():
            return
        some = np.arange(n)[::-1].copy()
        of_one, of_other = (each.batch(some, torch.device("cpu")) for each in (one, other))
        assert np.array_equal(of_one.ids, of_other.ids)
        assert torch.equal(of_one.labels, of_other.labels)
        assert of_one.inputs.keys() == of_other.inputs.keys()
        for column, values in of_one.inputs.items():
            assert torch.equal(values, of_other.inputs[column])
