"""Texts without labels beside a task: what is pre-trained on, and what must not be in it."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from trainers.errors import TaskError
from trainers.masked_language_modelling import packed_blocks, pretrain
from trainers.models import Bert
from trainers.pretraining import MaskedLanguageModelling
from trainers.resolve.needs import FETCH
from trainers.settings import Training
from trainers.tasks import Part, Texts, TextTask, sst5
from trainers.tasks.duplicates.near_duplicates import words

HUB = Path(__file__).parents[3].parent / "shared" / "data" / "hub"
REVIEWS = Texts("stanfordnlp/imdb", split="unsupervised", config="unsupervised_part")
NOVELS = Texts("corpora/english_novels")
on_copies = pytest.mark.skipif(not HUB.is_dir(), reason=f"there are no copies in {HUB}")

ROWS = [
    (f"the {i}th film of that summer was {'good' if i % 3 else 'bad'}", i % 2) for i in range(60)
]


@pytest.fixture
def task(tmp_path):
    """Sixty labelled texts, and five without a label: one copies all that is labelled."""
    pd.DataFrame(ROWS, columns=["review", "stars"]).to_csv(tmp_path / "reviews.csv", index=False)
    paragraphs = [text for text, _ in ROWS]
    more = ["Snow fell.\n\nAll  night\tlong.", "", None, "Snow fell.", "\n\n".join(paragraphs)]
    pd.DataFrame({"body": more}).to_parquet(tmp_path / "more.parquet")
    return TextTask(
        tmp_path / "reviews.csv",
        text="review",
        label="stars",
        vocabulary=300,
        dev=Part("train", 10),
        test=Part("train", 12),
        further=Texts(tmp_path / "more.parquet", text="body"),
    )


def prepared(task, folder):
    folder.mkdir()
    task.prepare(folder)
    return folder


def test_a_document_is_one_line_and_keeps_its_paragraphs_once(task, tmp_path):
    further = [*task.corpus(prepared(task, tmp_path / "p"))][38:]
    assert further[0] == "Snow fell. All night long."
    assert len(further) == 2  # the repeated paragraph, the blank and the missing text are gone


def test_nothing_that_is_judged_on_is_pre_trained_on(task, tmp_path):
    folder = prepared(task, tmp_path / "p")
    corpus = " ".join(task.corpus(folder))
    for split in ("dev", "test"):
        assert not [t for t in task.load(split, folder, 0).inputs["text"] if t in corpus]
    assert all(t in corpus for t in task.load("train", folder, 0).inputs["text"])


def test_where_every_seed_judges_on_other_texts_none_of_them_is_in_the_corpus(task, tmp_path):
    task = replace(task, splits="per_seed")
    corpus = [*task.corpus(prepared(task, tmp_path / "p"))]
    assert corpus == ["Snow fell. All night long."]
    with pytest.raises(TaskError, match="no text to pre-train on"):
        next(replace(task, further=None).corpus(tmp_path))


def test_further_texts_are_part_of_what_a_run_is_known_by(task):
    bare = replace(task, further=None)
    assert task.fingerprint() != bare.fingerprint()
    before = task.fingerprint()
    pd.DataFrame({"body": ["other texts"]}).to_parquet(task.further.data)
    assert task.fingerprint() != before


def test_where_they_lie_is_no_part_of_it(task, tmp_path):
    moved = tmp_path / "elsewhere.parquet"
    moved.write_bytes(Path(task.further.data).read_bytes())
    assert replace(task, further=replace(task.further, data=moved)).fingerprint() == (
        task.fingerprint()
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"data": "gone.parquet"}, "there is no "),
        ({"text": "review"}, 'there is no column "review"; it has body'),
        ({"split": "unsupervised"}, 'there is no split "unsupervised" among train'),
    ],
)
def test_what_is_missing_or_unfit_is_said_before_training(task, change, says):
    assert task.requirements() == ()
    (need,) = replace(task, further=replace(task.further, **change)).requirements()
    assert says in need.where
    assert need.get.startswith("correct the data")


def test_what_the_hub_has_is_fetched(task):
    (need,) = replace(task, further=Texts("nobody/has-this", config="c")).requirements()
    assert (need.get, need.config) == (FETCH, "c")
    assert "*.parquet" in need.files


@pytest.mark.parametrize("bad", [{"data": ""}, {"text": ""}, {"split": ""}])
def test_empty_fields_are_refused(bad):
    with pytest.raises(TaskError, match=f"{next(iter(bad))} is empty"):
        replace(REVIEWS, **bad)


def test_a_path_alone_is_no_texts(task):
    with pytest.raises(TaskError, match="must be Texts, such as"):
        replace(task, further="more.parquet")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setenv("ARMBENCH_DATA", str(HUB))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "nothing"))


@pytest.mark.slow
@pytest.mark.long
@on_copies
def test_film_reviews_serve_the_sentiment_of_films(hub, tmp_path):
    task = replace(sst5(), vocabulary=2000, further=REVIEWS)
    assert task.requirements() == ()
    folder = prepared(task, tmp_path / "p")
    own = 8544 - 16  # training sentences in which nothing of dev or test is said
    reviews = [*task.corpus(folder)][own:]
    assert len(reviews) == 11_784  # of 12,000: copies of each other, and what dev or test says
    joined = "\n".join(" ".join(words(review)) for review in reviews)
    judged_on = [t for s in ("dev", "test") for t in task.load(s, folder, 0).inputs["text"]]
    said = [" ".join(words(text)) for text in judged_on if len(words(text)) > 2]
    assert not [text for text in said if f" {text} " in joined]
    blocks = packed_blocks(task, folder, 32)
    assert len(blocks) > 50_000

    few = MaskedLanguageModelling(steps=20, batch_size=8, length=32, lr=3e-3)
    body = Bert(layers=1, width=32, pretraining=few)
    found = pretrain(body, few, task, folder, Training(device="cpu", precision="float32"))
    assert found.loss < 7.6  # 2,000 words alike: log 2000 = 7.60


@on_copies
def test_novels_are_read_whole(hub):
    novels = [*NOVELS.documents()]
    assert len(novels) == 33
    paragraphs = [paragraph for novel in novels for paragraph in novel]
    assert len(paragraphs) > 50_000
    assert not [p for p in paragraphs if p != " ".join(p.split())]
    written = sum(len(p) + 1 for p in paragraphs)
    assert 0.95 * 23_900_000 < written < 23_900_000
