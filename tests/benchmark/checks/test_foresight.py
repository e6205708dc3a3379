"""What is foreseen of runs on GPUs: each on one of them, after what it needs, in no less time."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from benchmark.checks.foresight import foresee
from benchmark.declare.loading import load_study
from benchmark.execute.gpus.memory import KnownMemory
from benchmark.runs.plan import Plan, make_plan
from tests.benchmark.conftest import SMALL
from tests.benchmark.execute.gpu_boxes import packing


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Plan:
    path = tmp_path_factory.mktemp("small") / "small.py"
    path.write_text(SMALL.replace("EPOCHS", "2"))
    return make_plan(load_study(path))


@given(data=st.data(), gpus=st.integers(1, 4), most=st.integers(1, 3), measures=st.booleans())
def test_every_run_is_foreseen_on_one_gpu_and_after_what_it_needs(plan, data, gpus, most, measures):
    lasting = st.floats(0.5, 100)
    seconds = {k: data.draw(lasting) for k in plan.runs}
    jobs = dict.fromkeys(plan.runs, frozenset())
    placed = packing(*[80_000] * gpus, most=most, memory=KnownMemory() if measures else None)
    found = foresee(plan, jobs, seconds, None, placed.most, placed)

    keys = [k for on in found.runs.values() for k in on]
    assert sorted(keys) == sorted(plan.runs)
    for on in found.runs.values():
        for i, k in enumerate(on):
            assert not {need.key for need in plan.runs[k].needs.values()} & set(on[i + 1 :])
    chain: dict[str, float] = {}
    for k, run in plan.runs.items():
        before = (chain[need.key] for need in run.needs.values())
        chain[k] = seconds[k] + max(before, default=0.0)
    assert found.wall >= max(chain.values()) - 1e-9
    assert found.wall >= sum(seconds.values()) / placed.most - 1e-9
    assert found.wall == pytest.approx(max(found.until.values()))
    assert found.wall <= sum(seconds.values()) + 1e-9
    assert placed.free == placed.most, "nothing is left on any of them"
