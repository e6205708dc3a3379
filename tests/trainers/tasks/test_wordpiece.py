"""The tokenizer and its training."""

import os
import random
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from trainers.inputs import wordpiece

TEXTS = ["The lowest of the low, the slowest.", "Lower and slower: étude \U00020000."] * 3


def trained(texts: list[str], folder: Path, vocabulary: int = 300) -> Tokenizer:
    wordpiece.train(texts, vocabulary, folder / "tokenizer.json")
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def test_special_tokens_have_the_ids_of_bert(tmp_path):
    tokenizer = trained(TEXTS, tmp_path)
    assert [tokenizer.token_to_id(token) for token in wordpiece.SPECIAL] == [0, 1, 2, 3, 4]


def test_words_of_the_corpus_are_spelled_from_its_pieces(tmp_path):
    tokenizer = trained(TEXTS, tmp_path)
    encoded = tokenizer.encode("SLOWEST Etude", "lows")
    assert "[UNK]" not in encoded.tokens
    assert encoded.type_ids[0] == 0
    assert encoded.type_ids[-1] == 1
    assert tokenizer.decode(encoded.ids) == "slowest etude lows"


def test_a_letter_that_the_corpus_lacks_is_unknown(tmp_path):
    assert "[UNK]" in trained(TEXTS, tmp_path).encode("q").tokens


def test_the_vocabulary_has_the_size_asked_for_and_no_piece_twice(tmp_path):
    rng = random.Random(0)
    texts = ["".join(rng.choices("abcde ", k=200)) for _ in range(50)]
    tokenizer = trained(texts + texts, tmp_path, 400)
    assert tokenizer.get_vocab_size() == 400
    assert sorted(tokenizer.get_vocab().values()) == list(range(400))


@given(st.permutations(TEXTS))
def test_the_order_of_the_texts_does_not_matter(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("order")
    trained(texts, folder)
    in_order = (folder / "tokenizer.json").read_bytes()
    trained(TEXTS, folder)
    assert (folder / "tokenizer.json").read_bytes() == in_order


def test_trainings_in_two_processes_give_the_same_bytes(tmp_path):
    script = (
        "import random, sys; from pathlib import Path; from trainers.inputs import wordpiece;"
        "rng = random.Random(0);"
        "texts = [''.join(rng.choices('abcdefgh ', k=400)) for _ in range(200)] * 2;"
        "wordpiece.train(texts, 900, Path(sys.argv[1]))"
    )
    root = str(Path(__file__).parents[3])
    for i in (1, 2):
        environment = os.environ | {
            "PYTHONPATH": root,
            "PYTHONHASHSEED": str(i),
            "RAYON_NUM_THREADS": str(i),
        }
        command = [sys.executable, "-c", script, str(tmp_path / f"{i}.json")]
        subprocess.run(command, env=environment, check=True)
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()
