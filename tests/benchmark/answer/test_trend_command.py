"""`bench trend`: the slopes of recorded scores over inits or tasks, and the curve."""

import json

import numpy as np
import pytest

from stats import trend
from tests.benchmark.recorded import SIZES, of


def test_the_slope_over_inits_is_that_of_the_recorded_scores(recorded, answer):
    asked = ("trend", recorded, "--dose", "scratch=0", "pretrained=1000")
    found = json.loads(answer(*asked, "--format", "json"))
    assert found["over"] == "init"
    assert [(each["where"], each["candidate"]) for each in found["trends"]] == [
        (task, candidate) for task in SIZES for candidate in ("ls", "tf_reg")
    ]
    differences = [
        of("digits/23", init, "ls") - of("digits/23", init, "base")
        for init in ("scratch", "pretrained")
    ]
    by_hand = trend(np.transpose(differences), [0, 1000], test="permutation", resolution=100 / 120)
    assert found["trends"][0]["trend"]["seed_slopes"] == pytest.approx(list(by_hand.seed_slopes))
    assert found["trends"][0]["trend"]["p_value"] == by_hand.p_value
    assert "dose by init: scratch = 0, pretrained = 1000" in answer(*asked)


def test_the_slope_over_tasks_is_given_for_each_init(recorded, answer):
    asked = ("trend", recorded, "--dose", "digits/23=2", "digits/45=4", "--scale", "log")
    told = answer(*asked, "--format", "markdown")
    assert "### pretrained · " in told
    assert "### scratch · " in told
    assert "| slope | " in told


def test_the_curve_goes_where_it_is_asked_to(recorded, answer, tmp_path):
    asked = ("trend", recorded, "--dose", "scratch=0", "pretrained=1")
    answer(*asked, "--figure", tmp_path / "curves")
    assert "<svg" in (tmp_path / "curves" / "trend.svg").read_text()
    assert (tmp_path / "curves" / "trend.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("bad", ["file", "file/below", "long"])
def test_a_curve_that_cannot_be_written_is_one_sentence(recorded, answer, tmp_path, bad):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / ("x" * 5000 if bad == "long" else bad)
    asked = ("trend", recorded, "--dose", "scratch=0", "pretrained=1")
    told = answer(*asked, "--figure", folder, code=2)
    assert told.startswith(f"bench: {str(tmp_path)[:100]}")
    assert len(told.splitlines()) == 1
    assert len(told) < 400


@pytest.mark.parametrize("option", ["--store", "--input"])
def test_a_path_of_any_length_is_one_sentence(answer, option):
    asked = ("stats", option, "x" * 5000, *["--compare", "a", "b"][: 3 * (option == "--input")])
    told = answer(*asked, code=2)
    assert told.startswith("bench: ")
    assert len(told.splitlines()) == 1
    assert "too long" in told.lower()


@pytest.mark.parametrize(
    ("doses", "said"),
    [
        (["scratch"], 'bench: --dose "scratch" is not NAME=NUMBER, such as scratch=0.'),
        (["scratch=x"], "is not NAME=NUMBER"),
        (["scratch=0", "scratch=1"], '--dose names "scratch" twice'),
        (["scratch=0"], "a trend needs two doses or more, by name"),
        (["scratch=0", "mlm-9=9"], 'no init "mlm-9" in the scores'),
        (["scratch=0", "pretrained=-1"], "must be from 0 upwards"),
        (["scratch=0", "pretrained=0"], "doses must differ"),
    ],
)
def test_doses_that_cannot_be_are_refused(recorded, answer, doses, said):
    assert said in answer("trend", recorded, "--dose", *doses, code=2)
