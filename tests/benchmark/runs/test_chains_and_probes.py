"""Which runs chains and probes are, what they share, and what of them is refused."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmark import After, Arm, Comparison, Judging, Probes, Range, Search, Study, chain
from benchmark.checks.mixing import settle
from benchmark.checks.preflight import preflight
from benchmark.errors import NotReady, StudyError
from benchmark.record.of_study import study_record
from benchmark.record.recorded import Recorded
from benchmark.record.study_record import StudyRecord
from benchmark.runs.kinds import TrainRun
from benchmark.runs.plan import make_plan
from benchmark.runs.probing import FeaturesRun, ProbeRun
from benchmark.store.cache import Cache
from trainers.methods import KD, LS, Base, SelfKD
from trainers.models import Bert, EncoderDecoder, ResNet
from trainers.pretraining import MaskedLanguageModelling, Supervised
from trainers.settings import Training
from trainers.tasks import Digits, Docstrings, DocstringSummary, Part, TextTask

TRAINING = Training(device="cpu", precision="float32")
A, B, C = (Digits(digits=d, train=20, dev=20, test=20) for d in ((0, 1), (2, 3), (4, 5)))
BODY = ResNet((8,), pretraining=Supervised(Digits(digits=(6, 7), train=20, dev=20, test=20)))


def study_of(init="pretrained", methods=None, **changes):
    methods = methods or [Base(), LS()]
    fields = {
        "name": "test",
        "task": C,
        "arms": Arm.grid(changes.pop("model", BODY), init, methods),
        "comparison": Comparison(methods[0].name, [m.name for m in methods[1:]]),
        "judging": Judging(margin=1.0),
        "training": TRAINING,
        "seeds": (1, 2),
        "allow_underpowered": True,
    }
    return Study(**(fields | changes))


def roles(plan):
    return Counter(run.role for run in plan.runs.values())


def of_role(plan, role):
    return [run for run in plan.runs.values() if run.role == role]


def cells_of(plan, method):
    found = zip(plan.study.cells(), plan.cells, strict=True)
    return [plan.runs[key] for (arm, _, _), key in found if arm.name == method]


def test_a_chain_is_trained_by_the_method_and_the_seed_of_the_arm():
    plan = make_plan(study_of(chain([A, B])))
    assert roles(plan) == {"arm": 4, "link": 8, "pretraining": 1, "data": 1}
    for run in of_role(plan, "arm"):
        before = run.needs["body"].run
        first = before.needs["body"].run
        assert isinstance(before, TrainRun)
        assert isinstance(first, TrainRun)
        assert (first.task, before.task, run.task) == (A, B, C)
        assert {r.seed for r in (first, before, run)} == {run.seed}
        assert {r.method for r in (first, before, run)} == {run.method}
        assert plan.runs[first.needs["body"].key].role == "pretraining"


def test_a_link_is_the_run_that_an_arm_on_its_task_would_be():
    chained = make_plan(study_of(chain([A])))
    alone = make_plan(study_of(task=A))
    assert {run.key for run in of_role(chained, "link")} == set(alone.cells)


def test_arms_that_begin_alike_share_their_links_and_one_that_is_compared_keeps_its_role():
    whole = study_of(chain([A, B]))
    more = replace(whole, task=(C, B), arms=(*whole.arms, *study_of(chain([A])).arms))
    plan = make_plan(more)
    # of A → B → C the second link is the arm "after A" on B
    shared = [r for r in of_role(plan, "arm") if r.init_name == After(A).name and r.task == B]
    taken = [r.needs["body"].key for r in of_role(plan, "arm") if r.init_name == chain([A, B]).name]
    assert {run.key for run in shared} == set(taken)


def test_cycles_are_chains_in_which_each_turn_is_a_run_of_its_own():
    init = chain(2 * [A, B])
    plan = make_plan(study_of(init, task=A))
    assert roles(plan)["link"] == 2 * 2 * 4
    assert len({run.key for run in of_role(plan, "link")}) == 2 * 2 * 4
    assert init.name == "after 2 × (digits/01 → digits/23)"


@pytest.mark.parametrize(
    ("init", "name"),
    [
        (After(A), "after digits/01"),
        (chain([A, B]), "after digits/01 → digits/23"),
        (chain([A, A, A]), "after 3 × digits/01"),
        (chain(3 * [A, B] + [A]), "after 3 × (digits/01 → digits/23) → digits/01"),
        (chain([A], init="scratch"), "scratch, after digits/01"),
        (chain([A, B], method=Base()), "after digits/01 by base → digits/23 by base"),
        (After(B, init=After(A, method=LS())), "after digits/01 by ls → digits/23"),
    ],
)
def test_inits_say_what_a_model_has_been_through(init, name):
    assert init.name == name


def test_a_link_that_names_its_method_is_one_for_all_arms():
    plan = make_plan(study_of(chain([A], method=Base())))
    assert roles(plan)["link"] == 2
    assert {run.needs["body"].run.method for run in of_role(plan, "arm")} == {Base()}


def test_a_link_is_trained_by_the_settings_of_its_task_unless_it_has_its_own():
    slow, own = replace(TRAINING, epochs=9), replace(TRAINING, epochs=7)
    init = After(B, training=own, init=After(A))
    plan = make_plan(study_of(init, task_training={A.name: slow}))
    epochs = {run.task: run.training.epochs for run in of_role(plan, "link")}
    assert epochs == {A: 9, B: 7}


def test_a_teacher_of_the_same_init_has_been_through_the_same_chain():
    plan = make_plan(study_of(chain([A]), [Base(), SelfKD()]))
    for run in cells_of(plan, "self_kd"):
        teacher = run.needs["teacher"].run
        assert teacher.needs["body"].key == run.needs["body"].key
        assert teacher.method == Base()


def test_one_chain_serves_every_setting_of_a_search():
    search = Search(lr=Range(1e-4, 1e-2))
    arms = [Arm(BODY, chain([A]), m, search=search) for m in (Base(), LS())]
    study = study_of(arms=arms)
    place = {(arm.place, C.name): {"lr": 5e-3} for arm in study.arms}
    declared, tuned = make_plan(study), make_plan(study, place)
    links = [{run.key for run in of_role(plan, "link")} for plan in (declared, tuned)]
    assert links[0] == links[1]
    assert not set(declared.cells) & set(tuned.cells)


def test_every_encoder_of_a_chain_and_both_anchors_are_probed():
    plan = make_plan(study_of(chain([A]), probes=Probes([A, B], at="every link")))
    told = Counter((p.method, p.init, p.task) for p in plan.probes)
    inits = (After(A).name, chain([A, C]).name)
    tasks = [f"probe of {each.name}" for each in (A, B)]
    assert told == {
        **{(m, i, t): 2 for m in ("base", "ls") for i in inits for t in tasks},
        **{("untouched encoder", "pretrained", t): 2 for t in tasks},
        **{("random encoder", "scratch", t): 2 for t in tasks},
    }
    for probe in plan.probes:
        run = plan.runs[probe.key]
        assert isinstance(run, ProbeRun)
        features, reference = (run.needs[role].run for role in ("features", "reference"))
        assert isinstance(features, FeaturesRun)
        if probe.method in ("base", "ls"):
            assert run.body == features.needs["body"].key
            assert plan.runs[run.body].seed == probe.seed
        assert plan.runs[reference.needs["body"].key].role == "pretraining"


def test_probes_at_the_end_are_of_the_runs_that_are_compared():
    plan = make_plan(study_of(probes=Probes([A])))
    ends = {plan.runs[p.key].body for p in plan.probes if p.method in ("base", "ls")}
    assert ends == set(plan.cells)
    assert {p.init for p in plan.probes} == {"pretrained", "scratch", After(C).name}


def test_next_probes_each_task_before_it_is_trained_on():
    plan = make_plan(study_of(chain([A, B, A]), probes=Probes("next", at="every link")))
    asked = {(p.init, p.task) for p in plan.probes if p.method == "base"}
    assert asked == {
        (After(A).name, f"probe of {B.name}"),
        (chain([A, B]).name, f"probe of {A.name}"),
        (chain([A, B, A]).name, f"probe of {C.name}"),
    }


def test_an_encoder_that_no_seed_changes_is_probed_once():
    text = Docstrings(label="kind"), Docstrings(label="package")
    model = Bert(pretraining=MaskedLanguageModelling(steps=10))
    study = study_of(task=text[0], model=model, probes=Probes(text[1]))
    plan = make_plan(study)
    untouched = {p.key for p in plan.probes if p.method == "untouched encoder"}
    random = {p.key for p in plan.probes if p.method == "random encoder"}
    assert (len(untouched), len(random)) == (1, 2)
    by_seed = replace(text[1], splits="per_seed")
    plan = make_plan(replace(study, probes=Probes(by_seed)))
    assert len({p.key for p in plan.probes if p.method == "untouched encoder"}) == 2


def test_from_scratch_the_untouched_encoder_is_the_random_one():
    plan = make_plan(study_of("scratch", probes=Probes([A])))
    assert {p.method for p in plan.probes} == {"base", "ls", "random encoder"}


def test_probes_change_no_key_of_what_they_look_at():
    plain, probed = (make_plan(study_of(chain([A]), **p)) for p in ({}, {"probes": Probes([B])}))
    assert plain.cells == probed.cells
    assert set(plain.runs) < set(probed.runs)


def test_the_record_holds_probes_and_gives_them_as_cells(tmp_path):
    file = tmp_path / "study.py"
    file.write_text("")
    study = study_of(chain([A]), probes=Probes([B], at="every link"))
    record = study_record(make_plan(study), file)
    again = StudyRecord.from_json(record.as_json())
    assert again.digest == record.digest
    probes = again.of_probes()
    assert {cell.task for cell in probes.cells} == {f"probe of {B.name}"}
    assert probes.sizes == {f"probe of {B.name}": {"train": 20, "dev": 20, "test": 20}}
    assert again.chains == (("pretrained", After(A).name, chain([A, C]).name),)
    plain = study_record(make_plan(study_of(chain([A]))), file)
    assert "probes" not in plain.as_json()
    with pytest.raises(Exception, match="has no probes"):
        plain.of_probes()


def test_probes_follow_their_runs_into_another_environment():
    plan = make_plan(study_of(chain([A]), probes=Probes([B], at="every link")))
    done = {
        key: Recorded(key, {"test/accuracy": 1.0}, 1.0, "", {"key": key, "version.torch": "2.0"})
        for key in plan.cells[:1]
    }
    here = lambda run: {"torch": "3.0"}  # noqa: E731
    anew = settle(plan, done, here, "anew", lambda keys: {})
    assert len(anew.probes) == len(plan.probes)
    assert all(probe.key in anew.runs for probe in anew.probes)
    changed = plan.runs[plan.cells[0]]
    of_it = [p for p, q in zip(plan.probes, anew.probes, strict=True) if p.key != q.key]
    assert {plan.runs[p.key].body for p in of_it} == {changed.key}


class NoDev(Digits):
    def __post_init__(self):
        pass

    @property
    def sizes(self):
        return {"train": 20, "dev": 0, "test": 20}


TEXT = Docstrings(label="kind")
BERT = Bert(pretraining=MaskedLanguageModelling(steps=10))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: After("sst2"), "task must be a task such as"),
        (lambda: After(Digits), "task must be a task such as"),
        (lambda: After(A, method=Base), "method must be an instance of a method"),
        (lambda: After(A, method="base"), "method must be an instance of a method"),
        (lambda: After(A, training="fast"), "training must be a Training"),
        (lambda: chain([]), "it has no task"),
        (lambda: Arm(BODY, chain([A], init="warm"), Base()), 'must be "pretrained", "scratch"'),
        (lambda: Arm(ResNet((8,)), After(A), Base()), "declares no pretraining"),
        (lambda: study_of(chain([TEXT])), "resnet-8 reads images, and docstrings/kind has text"),
        (lambda: study_of(After(A, method=KD(teacher=ResNet((8,), pretraining=None)))), "teacher"),
        (lambda: study_of(chain([replace(C, train=40)])), 'two tasks are called "digits/45"'),
        (lambda: study_of(task_training={B.name: TRAINING}), f'names "{B.name}"'),
        (lambda: study_of(probes=[A]), "probes must be Probes"),
        (lambda: Probes([]), "tasks is empty"),
        (lambda: Probes("sst2"), "must hold tasks"),
        (lambda: Probes([A, "sst2"]), "must hold tasks"),
        (lambda: Probes([A, A]), "two tasks are called"),
        (lambda: Probes([A], at="every epoch"), 'at must be "end" or "every link"'),
        (lambda: Probes("next"), 'tasks="next" with at="every link"'),
        (lambda: study_of(probes=Probes([TEXT])), "resnet-8 reads images, and docstrings/kind"),
        (lambda: study_of(task=TEXT, model=BERT, probes=Probes([A])), "reads text, and digits/01"),
        (lambda: make_plan(study_of(probes=Probes([NoDev()]))), "no example in dev"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence_when_it_is_declared(make, said):
    with pytest.raises(StudyError, match=said) as refused:
        make()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("a chain", {"init": chain([DocstringSummary()], init="scratch")}),
        ("a probe", {"init": "scratch", "probes": Probes([TEXT])}),
    ],
)
def test_models_that_write_are_neither_chained_nor_probed(what, asked):
    with pytest.raises(StudyError, match=f"{what} is of encoders that give classes, and docstr"):
        study_of(task=DocstringSummary(), model=EncoderDecoder(), **asked)


def test_an_encoder_that_has_its_words_from_other_data_is_refused():
    other = replace(TEXT, vocabulary=4096, label="package")
    told = "bert-2x128 has a vocabulary from each"
    study = study_of(chain([other]), task=TEXT, model=BERT)
    with pytest.raises(StudyError, match=f'arm "base .*trained on docstrings/package.*{told}'):
        make_plan(study)
    probed = study_of(task=TEXT, model=BERT, probes=Probes([other]))
    with pytest.raises(StudyError, match=f'arm "base .*cannot read docstrings/package.*{told}'):
        make_plan(probed)


@dataclass(frozen=True)
class InColour(Digits):
    """Digits in three channels, by its word; nothing here reads them."""

    @property
    def image_shape(self):
        return (3, 8, 8)

    @property
    def name(self):
        return "colour"


def test_an_encoder_of_other_images_is_refused():
    with pytest.raises(StudyError, match="has the shapes"):
        make_plan(study_of(chain([InColour(digits=(0, 1), train=20, dev=20, test=20)])))


def test_what_chains_and_probes_need_and_is_not_here_is_told_before_training(tmp_path):
    gone, lost = (
        TextTask(tmp_path / name, dev=Part("train", 8), test=Part("train", 8))
        for name in ("gone.csv", "lost.csv")
    )
    study = study_of(chain([gone], init="scratch"), task=TEXT, model=BERT, probes=Probes([lost]))
    with pytest.raises(NotReady) as refused:
        preflight(study, Path("study.py"), Cache(tmp_path))
    assert "gone.csv" in str(refused.value)
    assert "lost.csv" in str(refused.value)
