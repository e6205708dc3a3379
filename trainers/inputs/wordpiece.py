"""A WordPiece tokenizer in the manner of BERT, lower-cased, the same bytes at every training."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

#: In this order their ids are 0 to 4.
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CONTINUING = "##"
#: Letters rarer than the most frequent of this number become [UNK].
ALPHABET = 128
#: The smallest vocabulary: the special tokens, and every letter at the start and inside a word.
SMALLEST = len(SPECIAL) + 2 * ALPHABET
#: Words rarer than this in the whole corpus are identifiers and slips of the pen.
RAREST_WORD = 2

# The library's trainer numbers "##" pieces in the order of a randomly seeded hash map, and breaks
# ties between merges by those numbers. It is deterministic for pieces that are single characters,
# so a letter inside a word is handed over as one from a private plane, and renamed afterwards.
_INSIDE = 0xF0000
# As BERT splits: runs of letters and digits, and every other sign by itself.
_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")


def train(texts: Iterable[str], vocabulary: int, path: Path) -> None:
    """Train on the texts and write `tokenizer.json`, which transformers reads.

    Args:
        texts: what to train on; their order does not matter.
        vocabulary: number of entries, special tokens included; fewer if the texts have fewer.
        path: the file to write.
    """
    pieces = _pieces(_word_counts(texts), vocabulary)
    tokenizer = _bert_tokenizer({piece: i for i, piece in enumerate([*SPECIAL, *pieces])})
    tokenizer.save(str(path))


def _word_counts(texts: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_WORD.findall(_normalised(text)))
    return counts


def _normalised(text: str) -> str:
    """Lower case without accents, as BERT's normaliser makes it."""
    text = text.lower()
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(sign for sign in decomposed if unicodedata.category(sign) != "Mn")


def _pieces(counts: Counter[str], vocabulary: int) -> list[str]:
    """The learned pieces: letters first, then merges in the order in which they were made."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    inside = {letter: chr(_INSIDE + i) for i, letter in enumerate(_alphabet(counts))}
    words = [
        (word[0] + "".join(inside[letter] for letter in word[1:]), count)
        for word, count in counts.items()
        if count >= RAREST_WORD and inside.keys() >= set(word)
    ]
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    learner.train_from_iterator(
        (" ".join([word] * count) for word, count in words),
        trainers.BpeTrainer(vocab_size=vocabulary - len(SPECIAL), show_progress=False),
    )
    learned = learner.get_vocab()
    letters = {private: letter for letter, private in inside.items()}
    return [
        (CONTINUING if piece[0] in letters else "")
        + "".join(letters.get(sign, sign) for sign in piece)
        for piece in sorted(learned, key=learned.__getitem__)
    ]


def _alphabet(counts: Counter[str]) -> list[str]:
    """The most frequent letters and signs, at most ALPHABET of them."""
    letters: Counter[str] = Counter()
    for word, count in counts.items():
        for letter in word:
            letters[letter] += count
    ranked = sorted(letters, key=lambda letter: (-letters[letter], letter))
    return [letter for letter in ranked if ord(letter) < _INSIDE][:ALPHABET]


def _bert_tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(
        models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")],
    )
    tokenizer.decoder = decoders.WordPiece(prefix=CONTINUING)
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer
