"""The laws of near-duplicates, against the definition applied to every pair."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainers.tasks.duplicates.near_duplicates import HeldOut, keep_first, shingles, words

# Few words, so that texts resemble each other often.
texts = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=9).map(" ".join), max_size=12
)
thresholds = st.sampled_from([0.2, 0.5, 0.6, 0.8, 1.0])


def jaccard(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b) if a | b else 0.0


@given(texts, thresholds)
def test_no_two_kept_texts_resemble_each_other(found, threshold):
    kept = keep_first(found, threshold)
    for place, i in enumerate(kept):
        assert all(jaccard(found[i], found[j]) < threshold for j in kept[:place])


@given(texts, thresholds)
def test_every_text_that_goes_resembles_an_earlier_one_that_stays(found, threshold):
    kept = keep_first(found, threshold)
    for i in set(range(len(found))) - set(kept):
        assert any(jaccard(found[i], found[j]) >= threshold for j in kept if j < i)


@given(texts, texts, thresholds)
def test_containment_is_the_share_of_the_held_out_shingles(held, others, threshold):
    held_out = HeldOut(held, threshold)
    for text in others:
        own = shingles(text)
        expected = any(
            len(own & part) / len(part) >= threshold - 1e-9 for part in map(shingles, held) if part
        )
        assert held_out.contained_in(text) == expected


@given(texts, thresholds)
def test_near_duplicates_are_contained(found, threshold):
    held_out = HeldOut(found[:1], threshold)
    for text in found[1:]:
        if jaccard(found[0], text) >= threshold:
            assert held_out.contained_in(text)


@given(st.lists(st.sampled_from("abcdef"), min_size=3).map(" ".join))
def test_a_text_is_contained_in_any_text_that_quotes_it(text):
    assert HeldOut([text], 1.0).contained_in(f"Before it, {text.upper()}! And after.")


def test_case_and_punctuation_do_not_tell_texts_apart():
    assert keep_first(["Fit the model, please.", "fit the MODEL (please)"], 1.0) == [0]


def test_texts_without_words_resemble_nothing():
    assert keep_first(["…", "…", ""], 0.5) == [0, 1, 2]
    assert not HeldOut(["…", ""], 0.5).contained_in("… anything")


QUOTED = {
    "Russian": (
        "Этот фильм мне очень понравился",
        "Вчера: «Этот фильм мне очень понравился!» — он",
    ),
    "Chinese": ("这部电影非常好看", "昨天他说这部电影非常好看，我同意"),
    "Thai": ("หนังเรื่องนี้สนุกมาก", "เขาบอกว่าหนังเรื่องนี้สนุกมากเมื่อวาน"),
    "Greek": ("Η ταινία ήταν πολύ καλή", "Χθες είπε: η ταινία ήταν πολύ καλή, και έφυγε"),
}


@pytest.mark.parametrize("language", QUOTED)
def test_a_quotation_is_found_in_every_script(language):
    text, quoting = QUOTED[language]
    assert HeldOut([text], 0.8).contained_in(quoting)
    assert not HeldOut([text], 0.8).contained_in(quoting.replace(text[3:9], " "))


def test_ascii_is_split_as_letters_and_digits():
    text = "Fit_the model-2, x86_64; don't (re)fit!"
    assert words(text) == re.findall(r"[a-z0-9]+", text.lower())


def test_two_words_are_contained_in_themselves_alone():
    held_out = HeldOut(["Great film!"], 0.8)
    assert held_out.contained_in("great film")
    assert not held_out.contained_in("A great film indeed")
