"""The docstring task on the packages that are really installed, prepared once a session."""

import re
from collections import Counter, defaultdict
from importlib import metadata

import pytest

from trainers.tasks.duplicates.near_duplicates import NEAR, shingles, words

#: Reading every installed package takes a minute, once.
pytestmark = [pytest.mark.slow, pytest.mark.long]

NAMES = re.compile(
    r"numpy|scipy|pandas|statsmodels|sklearn|scikit-learn|matplotlib|pyplot|torch|mlflow|"
    r"\b(?-i:np|plt|pd|mpl)\b",
    re.IGNORECASE,
)


def test_the_default_sizes_of_every_label_are_there_and_balanced(labelled, real):
    for split, size in labelled.sizes.items():
        counts = Counter(labelled.load(split, real[1], 0).labels.tolist())
        assert counts == dict.fromkeys(range(len(labelled.classes)), size // len(labelled.classes))


def test_no_summary_names_a_package(real):
    task, folder = real
    for split in task.sizes:
        for text in task.load(split, folder, 0).inputs["text"]:
            assert not NAMES.search(text), text


def test_no_test_text_is_in_the_corpus(real):
    task, folder = real
    corpus = "\n".join(f" {' '.join(words(line))} " for line in task.corpus(folder))
    for split in ("dev", "test"):
        texts = task.load(split, folder, 0).inputs["text"][::8]
        assert not [text for text in texts if f" {' '.join(words(text))} " in corpus]


def test_no_test_text_is_nearly_in_the_corpus(real):
    task, folder = real
    texts = task.load("test", folder, 0).inputs["text"]
    owners = defaultdict(list)
    for i, text in enumerate(texts):
        for shingle in shingles(text):
            owners[shingle].append(i)
    sizes = [len(shingles(text)) for text in texts]
    for line in task.corpus(folder):
        shared = Counter(i for shingle in shingles(line) for i in owners.get(shingle, ()))
        assert not [texts[i] for i, count in shared.items() if count >= NEAR * sizes[i]]


def test_test_text_resembles_no_training_text(real):
    task, folder = real
    train = [shingles(text) for text in task.load("train", folder, 0).inputs["text"]]
    for text in task.load("test", folder, 0).inputs["text"][::20]:
        own = shingles(text)
        assert max(len(own & other) / len(own | other) for other in train) < NEAR


def test_the_corpus_is_large_enough_to_pretrain_on(real):
    task, folder = real
    assert sum(map(len, task.corpus(folder))) > 5_000_000


def test_the_tokenizer_reads_bert_inputs(real):
    from tokenizers import Tokenizer

    task, folder = real
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert tokenizer.get_vocab_size() == task.vocabulary
    ids = tokenizer.encode("Compute the Array", "of [MASK]").tokens
    assert ids == ["[CLS]", "compute", "the", "array", "[SEP]", "of", "[MASK]", "[SEP]"]
    test = task.load("test", folder, 0).inputs["text"]
    tokens = [token for text in test for token in tokenizer.encode(text).tokens]
    assert tokens.count("[UNK]") < 0.001 * len(tokens)


def test_every_package_read_is_a_pinned_dependency(real):
    from pathlib import Path

    from trainers.tasks.embedded.installed import DISTRIBUTIONS

    pinned = (Path(__file__).parents[3] / "constraints.txt").read_text().lower().split()
    for package in (*real[0].packages, *real[0].further):
        name = DISTRIBUTIONS.get(package, package)
        version = metadata.version(name).split("+")[0]
        assert f"{name}=={version}" in pinned
