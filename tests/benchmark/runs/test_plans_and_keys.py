"""Which runs a study needs, and what tells two runs apart."""

import pickle
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark import Arm, Comparison, Judging, Study
from benchmark.errors import StudyError
from benchmark.execute.counted import CountedFlops
from benchmark.execute.job import Ended
from benchmark.execute.todo import todo
from benchmark.record.recorded import Recorded
from benchmark.runs.identity import fingerprint_of
from benchmark.runs.key import canonical, key
from benchmark.runs.kinds import PretrainRun, TrainRun
from benchmark.runs.plan import make_plan
from benchmark.store.store import Store
from trainers.methods import KD, LS, SPD, Base, SelfKD, Teacher, Theseus
from trainers.models import Bert, ResNet
from trainers.pretraining import MaskedLanguageModelling, Supervised
from trainers.settings import Training
from trainers.tasks import Digits, Docstrings

TRAINING = Training(device="cpu", precision="float32")
STUDENT = Bert(pretraining=MaskedLanguageModelling(steps=10))
TEACHER = Bert(layers=4, pretraining=MaskedLanguageModelling(steps=10))


def study_of(methods, **changes):
    fields = {
        "name": "test",
        "task": Docstrings(),
        "arms": Arm.grid(STUDENT, ["pretrained", "scratch"], methods),
        "comparison": Comparison(methods[0].name, [m.name for m in methods[1:]]),
        "judging": Judging(margin=1.0),
        "training": TRAINING,
    }
    return Study(**(fields | changes))


def by_role(plan):
    roles = {}
    for run in plan.runs.values():
        roles.setdefault(run.role, []).append(run)
    return roles


def test_a_study_plans_its_cells_one_teacher_and_each_pretraining_once():
    plan = make_plan(study_of([Base(), LS(), SelfKD(), KD(teacher=TEACHER)]))
    roles = by_role(plan)
    assert len(plan.cells) == len(set(plan.cells)) == 2 * 4 * 8
    assert {role: len(runs) for role, runs in roles.items()} == {
        "arm": 64,
        "teacher": 1,
        "pretraining": 2,
        "data": 1,
    }
    assert {run.model for run in roles["pretraining"]} == {STUDENT, TEACHER}


def test_every_run_stands_after_those_it_needs():
    plan = make_plan(study_of([SelfKD(), KD(teacher=TEACHER), Base()]))
    seen = set()
    for k, run in plan.runs.items():
        assert {need.key for need in run.needs.values()} <= seen
        seen.add(k)


def test_progressive_distillation_takes_the_weights_of_the_base_run_of_its_seed_and_init():
    plan = make_plan(study_of([Base(), SPD(0.5), Theseus(0.5), SelfKD()]))
    taught = [r for r in plan.runs.values() if isinstance(r, TrainRun) and "teacher" in r.needs]
    assert len(taught) == 3 * 16
    for run in taught:
        need = run.needs["teacher"]
        teacher = plan.runs[need.key]
        assert need.output == ("logits" if run.method_name == "self_kd" else "weights")
        assert (teacher.role, teacher.method_name) == ("arm", "base")
        assert (teacher.seed, teacher.init_name) == (run.seed, run.init_name)
    own = Teacher("student", "student", training=replace(TRAINING, epochs=9), seed=3)
    plan = make_plan(study_of([Base(), SPD(0.5, teacher=own)]))
    found = [plan.runs[r.needs["teacher"].key] for r in plan.runs.values() if "teacher" in r.needs]
    assert {(run.seed, run.training.epochs, run.role) for run in found} == {(3, 9, "teacher")}


def test_self_kd_reuses_the_base_run_of_its_own_seed_and_init():
    plan = make_plan(study_of([Base(), SelfKD()]))
    for run in plan.runs.values():
        if isinstance(run, TrainRun) and run.method_name == "self_kd":
            teacher = plan.runs[run.needs["teacher"].key]
            assert (teacher.role, teacher.method_name) == ("arm", "base")
            assert (teacher.seed, teacher.init_name) == (run.seed, run.init_name)
    assert len(by_role(plan)["arm"]) == 32
    assert "teacher" not in by_role(plan)


def test_generations_are_planned_one_after_the_other():
    plan = make_plan(study_of([Base(), SelfKD(generations=3)]))
    assert len(by_role(plan)["teacher"]) == 2 * 2 * 8


def test_with_splits_of_its_own_every_seed_has_its_own_teacher():
    plan = make_plan(study_of([Base(), KD(teacher=TEACHER)], task=Docstrings(splits="per_seed")))
    assert sorted(run.seed for run in by_role(plan)["teacher"]) == sorted(plan.study.seeds)


def test_supervised_pretraining_is_a_training_run_on_the_other_task():
    source = Supervised(Digits(digits=(0, 1), train=20, dev=20, test=20), TRAINING)
    plan = make_plan(
        study_of(
            [Base(), LS()],
            task=Digits(),
            arms=Arm.grid(ResNet(pretraining=source), ["pretrained", "scratch"], [Base(), LS()]),
        )
    )
    bodies = {
        plan.runs[run.needs["body"].key].task for run in plan.runs.values() if "body" in run.needs
    }
    assert bodies == {source.task}
    assert not any(isinstance(run, PretrainRun) for run in plan.runs.values())


def test_names_change_no_key_and_everything_else_does():
    def keys(**changes):
        return set(make_plan(study_of([Base(), LS()], **changes)).cells)

    original = keys()
    assert keys(name="renamed", judging=Judging(margin=3.0, alpha=0.04)) == original
    renamed = tuple(
        replace(arm, name="smooth" if arm.method.name == "ls" else "")
        for arm in study_of([Base(), LS()]).arms
    )
    assert keys(arms=renamed, comparison=Comparison("base", "smooth")) == original
    for changes in (
        {"training": replace(TRAINING, lr=1e-4)},
        {"training": replace(TRAINING, threads=2)},
        {"training": replace(TRAINING, precision="bf16")},
        {"task": Docstrings(train=1600)},
        {"task": Docstrings(vocabulary=4096)},
        {"judging": Judging(metric="f1")},
        {"arms": Arm.grid(TEACHER, ["pretrained", "scratch"], [Base(), LS()])},
    ):
        assert not keys(**changes) & original, changes


def test_a_teacher_is_part_of_its_students_key():
    a = make_plan(study_of([Base(), KD(teacher=TEACHER)])).cells
    b = make_plan(study_of([Base(), KD(teacher=replace(TEACHER, layers=3))])).cells
    assert len(set(a) & set(b)) == 16  # the base runs


def test_another_source_of_a_users_method_is_another_key(tmp_path):
    from benchmark.declare.loading import load_study

    text = (
        "from dataclasses import dataclass\nfrom typing import ClassVar\n"
        "from benchmark import Arm, Comparison, Judging, Study\nfrom trainers.methods import Base\n"
        "from trainers.models import ResNet\nfrom trainers.settings import Training\n"
        "from trainers.tasks import Digits\n"
        "@dataclass(frozen=True)\nclass Mine(Base):\n"
        "    name: ClassVar[str] = 'mine'\n"
        "    def loss(self, step):\n        return FACTOR * super().loss(step)\n"
        "study = Study('s', Digits(), Arm.grid(ResNet(), 'scratch', [Base(), Mine()]),\n"
        "    Comparison('base', 'mine'), Judging(), Training(device='cpu'))\n"
    )
    plans = []
    for i, factor in enumerate(("1.0", "2.0", "1.0")):
        path = tmp_path / f"study{i}.py"
        path.write_text(text.replace("FACTOR", factor))
        plans.append(set(make_plan(load_study(path)).cells))
    assert plans[0] == plans[2]
    assert len(plans[0] & plans[1]) == 8


def test_equal_numbers_give_equal_keys():
    assert canonical({"b": 1.0, "a": LS(epsilon=1)}) == canonical({"a": LS(epsilon=1.0), "b": 1})


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False)
)


@given(st.dictionaries(st.text(), st.lists(scalars, max_size=3), max_size=5))
def test_a_key_does_not_depend_on_the_order_of_names(specification):
    backwards = dict(reversed(specification.items()))
    assert key(specification) == key(backwards)


def test_what_has_no_stable_form_is_refused():
    @dataclass(frozen=True)
    class Odd(Base):
        name: ClassVar[str] = "odd"
        function: object = print

    with pytest.raises(StudyError, match="cannot be part of a run's key"):
        key(Odd().specification())


def recorded(scores):
    return Recorded(run_id="", scores=scores, seconds=1.0, kind="", tags={})


def test_a_run_that_was_never_scored_on_test_is_no_cell_of_a_comparison(tmp_path):
    plan = make_plan(study_of([Base(), LS()]))
    done = dict.fromkeys(plan.cells, recorded({"dev/accuracy": 60.0}))
    found = todo(plan, done, Store(str(tmp_path)))
    assert not found.cached
    assert set(plan.cells) <= found.jobs.keys()


def test_only_what_is_missing_is_to_do(tmp_path):
    plan = make_plan(study_of([Base(), SelfKD()]))
    store = Store(str(tmp_path))
    assert len(todo(plan, {}, store).jobs) == len(plan.runs)
    done = dict.fromkeys(plan.cells, recorded({"dev/accuracy": 60.0, "test/accuracy": 61.0}))
    assert todo(plan, done, store).jobs == {}
    one = next(k for k in plan.cells if plan.runs[k].method_name == "self_kd")
    del done[one]
    jobs = todo(plan, done, store).jobs
    teacher = plan.runs[one].needs["teacher"].key
    assert jobs[one] == {"test"}
    assert jobs[teacher] == {"logits"}  # recorded, but its logits are not in the cache
    assert {plan.runs[k].role for k in jobs} == {"arm", "pretraining", "data"}


@pytest.mark.slow
def test_a_run_at_another_seed_has_the_key_of_one_that_was_declared_there():
    plan = make_plan(study_of([Base(), SelfKD(), KD(teacher=TEACHER)]))
    for run in by_role(plan)["arm"]:
        anew = replace(run)  # which keeps nothing that was found out for another one
        assert (anew.key, anew.kind, anew.packages) == (run.key, run.kind, run.packages)
        assert (anew.tags(), anew.parameters) == (run.tags(), run.parameters)


def test_a_worker_is_told_what_the_record_holds_of_a_run(monkeypatch):
    plan = make_plan(study_of([Base(), LS()]))
    run = plan.runs[plan.cells[0]]
    sent, told = pickle.dumps(run), (run.tags(), run.parameters)
    monkeypatch.delattr(Docstrings, "fingerprint")  # which takes a while to find out
    fingerprint_of.cache_clear()
    arrived = pickle.loads(sent)
    assert (arrived.tags(), arrived.parameters) == told


@dataclass(frozen=True)
class Mine(LS):
    """A method of a user's."""

    name: ClassVar[str] = "mine"


def test_one_run_of_a_kind_counts_what_a_step_costs_for_those_that_count_alike():
    known, counted = CountedFlops(), {"relative_flops": 2.5}
    fixed = make_plan(study_of([Base(), LS()]))
    first, second, *_, other = [fixed.runs[k] for k in fixed.cells]
    assert known.of(first) is None
    known.learn(first, Ended(first.key, "finished", scores=counted))
    assert known.of(second) == 2.5
    assert known.of(other) is None
    for study in (
        study_of([Base(), LS()], task=Docstrings(splits="per_seed")),
        study_of([Mine(), Base()]),
    ):
        plan = make_plan(study)
        first, second, *_ = [plan.runs[k] for k in plan.cells]
        known.learn(first, Ended(first.key, "finished", scores=counted))
        assert known.of(second) is None
