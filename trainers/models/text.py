"""Texts as a pre-trained tokenizer reads them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from trainers.errors import ModelError
from trainers.inputs.batches import Encoded, Ragged
from trainers.tasks import Examples


def open_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model's folder, opened once as long as its files stay as they are.

    Raises:
        ModelError: transformers cannot read it, or nothing in it can stand for padding.
    """
    files = sorted((file.name, file.stat()) for file in folder.glob("*") if file.is_file())
    state = tuple((name, about.st_size, about.st_mtime_ns) for name, about in files)
    return _opened(folder.resolve(), state)


@cache
def _opened(folder: Path, state: tuple[tuple[str, int, int], ...]) -> Any:
    """The state is there so that a changed folder is read again."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:
        detail = str(error).strip().splitlines()[0]
        raise ModelError(f"{folder}: its tokenizer cannot be read: {detail}") from error
    if padding_token(tokenizer) is None:
        raise ModelError(
            f"{folder}: its tokenizer has neither a padding token nor one that ends a text."
        )
    return tokenizer


def padding_token(tokenizer: Any) -> int | None:
    """What fills up short texts: the padding token, or GPT-2's, which ends a text.

    Fills stand on the right and behind an attention mask, so that only their length matters.
    """
    own: int | None = tokenizer.pad_token_id
    return tokenizer.eos_token_id if own is None else own


def save_tokenizer(tokenizer: Any, max_length: int, folder: Path, *, types: bool) -> None:
    """Write a tokenizer that cuts and fills up texts as a run did: `truncation=True, padding=True`.

    Args:
        tokenizer: of transformers; it stays as it is.
        max_length: tokens, special ones included.
        folder: is there.
        types: whether the model tells two texts apart by their types.
    """
    made = deepcopy(tokenizer)
    if made.pad_token_id is None:
        made.pad_token = made.convert_ids_to_tokens(padding_token(made))
    typed = ["token_type_ids"] if types else []
    asked = {
        "model_max_length": max_length,
        "padding_side": "right",
        "model_input_names": ["input_ids", *typed, "attention_mask"],
    }
    for name, value in asked.items():
        setattr(made, name, value)
    made.init_kwargs |= asked  # of which save_pretrained writes what is named there
    made.name_or_path = ""  # where it lay is nobody's business
    made.save_pretrained(folder)


def read_otherwise(folder: Path, examples: Examples, encoded: Encoded) -> int:
    """Of how many texts the tokenizer in a folder makes other numbers than a model has read.

    Args:
        folder: from :func:`save_tokenizer`.
        examples: with the texts.
        encoded: the same, as the model has read them.
    """
    columns = [list(examples.inputs[c]) for c in ("text", "text_pair") if c in examples.inputs]
    read = open_tokenizer(folder)(*columns, truncation=True)
    alike = [
        all(
            column.values[column.offsets[i] : column.offsets[i + 1]].tolist() == read[name][i]
            for name, column in encoded.ragged.items()
        )
        for i in range(len(examples))
    ]
    return len(alike) - sum(alike)


def encode_texts(examples: Examples, folder: Path, max_length: int, *, types: bool) -> Encoded:
    """Tokenise one or two texts; the longer of two is cut first.

    Where a tokenizer puts nothing between two texts, as GPT-2's, its end of a text does. A text
    without a token is that end alone.

    Args:
        examples: with the columns "text" and perhaps "text_pair".
        folder: the tokenizer's.
        max_length: tokens, special ones included.
        types: whether the model tells two texts apart by their types.
    """
    tokenizer = open_tokenizer(folder)
    columns = [list(examples.inputs[c]) for c in ("text", "text_pair") if c in examples.inputs]
    paired = len(columns) > 1
    if tokenizer.num_special_tokens_to_add(pair=paired) == 0:
        rows = _bare(tokenizer, columns, max_length)
        ragged = {"input_ids": Ragged.of(rows)}
    else:
        read = tokenizer(
            *columns,
            truncation="longest_first",
            max_length=max_length,
            return_attention_mask=False,
            return_token_type_ids=types and paired,
        )
        ragged = {name: Ragged.of(rows) for name, rows in read.items()}
    padding = {"input_ids": padding_token(tokenizer) or 0, "token_type_ids": 0}
    return Encoded(examples.ids, examples.labels, ragged, padding)


def text_lengths(columns: Sequence[Sequence[str]], folder: Path) -> list[int]:
    """Tokens of each text, or of each pair, before any is cut."""
    tokenizer = open_tokenizer(folder)
    paired = len(columns) > 1
    special = tokenizer.num_special_tokens_to_add(pair=paired)
    read = [tokenizer(list(c), add_special_tokens=False, verbose=False) for c in columns]
    rows = zip(*(encodings["input_ids"] for encodings in read), strict=True)
    return [sum(map(len, row)) + (special or int(paired)) for row in rows]


def _bare(tokenizer: Any, columns: Sequence[list[str]], max_length: int) -> list[list[int]]:
    """Token numbers of a tokenizer that adds none of its own."""
    end = int(tokenizer.eos_token_id or padding_token(tokenizer) or 0)
    read = [tokenizer(column, add_special_tokens=False, verbose=False) for column in columns]
    if len(read) == 1:
        return [row[:max_length] or [end] for row in read[0]["input_ids"]]
    pairs = zip(*(encodings["input_ids"] for encodings in read), strict=True)
    return [joined(first, second, end, max_length) for first, second in pairs]


def joined(first: list[int], second: list[int], between: int, max_length: int) -> list[int]:
    """Two texts with a token between them, the longer one cut first.

    >>> joined([1, 1, 1, 1], [2, 2], 0, 5)
    [1, 1, 0, 2, 2]
    >>> joined([1], [2, 2, 2, 2], 0, 5)
    [1, 0, 2, 2, 2]
    """
    room = max_length - 1
    kept = min(len(first), max(room - len(second), (room + 1) // 2))
    return [*first[:kept], between, *second[: room - kept]]
