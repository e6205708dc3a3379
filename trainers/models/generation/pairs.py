"""Sources and targets as a model reads them, and texts as it has written them.

An encoder with a decoder reads the source in the one and what has been written in the other. A
decoder alone reads both in one row, with the token that ends a text between them. Either way each
token of the target, its end the last, is predicted from all before it, and nothing else is.
"""

from __future__ import annotations

import numpy as np

from trainers.errors import ModelError
from trainers.inputs.batches import Encoded, Ragged
from trainers.models.codec import Marks, TextCodec
from trainers.tasks import Examples


def encode_pairs(examples: Examples, codec: TextCodec, max_length: int) -> Encoded:
    """Sources and, where the examples have them, targets.

    Args:
        examples: with the columns "text" and "target".
        codec: of the model.
        max_length: tokens of a source.

    Raises:
        ModelError: they have no target.
    """
    if "target" not in examples.inputs:
        raise ModelError("the task's examples have no target to be written.")
    marks = codec.marks
    sources = codec.sources([*examples.inputs["text"]], max_length)  # type: ignore[list-item]
    targets = codec.targets([*examples.inputs["target"]])  # type: ignore[list-item]
    written = Ragged.of([[*target, marks.end] for target in targets])
    if codec.has_encoder:
        ragged = {
            "input_ids": Ragged.of(sources),
            "decoder_input_ids": Ragged.of([[marks.start, *target] for target in targets]),
        }
    else:
        rows = zip(sources, targets, strict=True)
        ragged = {"input_ids": Ragged.of([[*s, marks.start, *t] for s, t in rows])}
    padding = dict.fromkeys(ragged, marks.padding)
    return Encoded(examples.ids, examples.labels, ragged, padding, targets=written)


def prompts(encoded: Encoded) -> list[list[int]]:
    """What a model reads of each example before it writes, start of a decoder left out."""
    read, written = encoded.ragged["input_ids"], encoded.targets
    assert written is not None
    ends = read.offsets[1:]
    if "decoder_input_ids" not in encoded.ragged:
        ends = ends - (written.lengths - 1)
    spans = zip(read.offsets[:-1].tolist(), ends.tolist(), strict=True)
    return [read.values[start:end].tolist() for start, end in spans]


def made_up_pairs(
    draws: np.random.Generator,
    rows: int,
    tokens: int,
    vocabulary: int,
    marks: Marks,
    has_encoder: bool,
) -> Encoded:
    """Sources and targets of equal lengths, of noise."""
    read = draws.integers(0, vocabulary, (rows, tokens)).tolist()
    written = draws.integers(0, vocabulary, (rows, max(1, tokens // 2))).tolist()
    ragged = {"input_ids": Ragged.of(read)}
    if has_encoder:
        ragged["decoder_input_ids"] = Ragged.of([[marks.start, *row[:-1]] for row in written])
    else:
        ragged = {"input_ids": Ragged.of([[*r, *w] for r, w in zip(read, written, strict=True)])}
    ids = np.arange(rows)
    padding = dict.fromkeys(ragged, marks.padding)
    return Encoded(ids, np.zeros_like(ids), ragged, padding, targets=Ragged.of(written))


def check_lengths(
    called: str, positions: int | None, max_length: int, longest: int, has_encoder: bool
) -> None:
    """Refuse texts that cannot be as long as they may become.

    Args:
        called: the model.
        positions: it has; None where they are only relative to each other.
        max_length: tokens of a source.
        longest: tokens of a text that is written.
        has_encoder: whether an encoder reads the source.

    Raises:
        ModelError: with the way out.
    """
    if positions is None:
        return
    if has_encoder:
        asked = {"max_length": max_length, "Decoding(longest=...)": longest}
    else:
        asked = {"max_length and Decoding(longest=...) together": max_length + longest + 1}
    for what, length in asked.items():
        if length > positions:
            raise ModelError(
                f"{what}: {length} tokens are more than the {positions} positions of {called}; "
                "lower it."
            )


def room_for_target(positions: int | None, max_length: int, has_encoder: bool) -> int | None:
    """Most tokens that a target may have, its end among them; None where there is no limit."""
    if positions is None or has_encoder:
        return positions
    return positions - max_length
