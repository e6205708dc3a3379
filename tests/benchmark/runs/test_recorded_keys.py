"""The keys of the studies here are those that finished records of them hold.

A change of the code that is not meant to change what is computed must find such a record again. One
that is raises a revision, and these digests with it.
"""

import hashlib
from pathlib import Path

import pytest

from benchmark.declare.loading import load_study
from benchmark.runs.plan import make_plan

STUDIES = Path(__file__).parents[3] / "studies"
#: Fingerprint of the docstrings in the plans; packages of other versions have others.
CORPUS = "7b223fd54472e3d2f6d294a9799916f9fe6159f284aca6e169fe747c4e75f5b8"
#: Runs of each study, and the SHA-256 of their keys in float32 on a CPU.
RECORDED = {
    "pretrained_vs_scratch": (
        84,
        "9b394206f74cf9e8ad4056da038f22d1034f02825b2825a8c57ef5c28cdeca5b",
    ),
    "regularisers": (
        324,
        "8fd55ba1e20a816ab49174ea42677da70f444dde9377c086f1258ddf10172d63",
    ),
    "vision_pretrained_vs_scratch": (
        50,
        "adada7aabee8bfe49d308839dfd59baf6ecf04948fea8bcbc66f4ce050d6bf48",
    ),
}


@pytest.mark.parametrize("name", RECORDED)
def test_a_finished_record_is_found_again(name, monkeypatch):
    monkeypatch.setattr("trainers.settings.has_native_bf16", lambda device: False)
    plan = make_plan(load_study(STUDIES / f"{name}.py"))
    (task,) = plan.study.tasks
    run = plan.runs[plan.cells[0]]
    if run.training.device != "cpu":
        pytest.skip("the keys were recorded on a CPU")
    if name != "vision_pretrained_vs_scratch" and task.fingerprint() != CORPUS:
        pytest.skip("the docstrings installed here are of other versions than those of the record")
    keys = "\n".join(sorted(plan.runs))
    assert (len(plan.runs), hashlib.sha256(keys.encode()).hexdigest()) == RECORDED[name]
