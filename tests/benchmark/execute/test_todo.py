"""What of a plan is left to execute."""

from benchmark.execute.attempt.worker import execute
from benchmark.execute.job import Job
from benchmark.execute.todo import todo
from tests.benchmark.attempted import Attempted

STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, Base, Teacher
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

larger = Teacher(ResNet((6,)), init="scratch")
study = Study(
    name="taught",
    task=Digits(digits=(5, 6), train=40, dev=20, test=20),
    arms=[Arm(ResNet((4,)), "scratch", m) for m in (Base(), KD(teacher=larger))],
    comparison=Comparison("base", "kd"),
    judging=Judging(margin=2.0),
    training=Training(epochs=1, batch_size=16, lr=3e-3, device="cpu", precision="float32"),
    seeds=(1, 2),
    allow_underpowered=True,
)
"""


def test_a_teacher_that_left_its_logits_and_was_killed_before_its_end_is_to_do(tmp_path):
    path = tmp_path / "taught.py"
    path.write_text(STUDY)
    attempted = Attempted(path)
    plan, query, store = attempted.plan, attempted.query, attempted.query.store
    experiment = attempted.writer.experiment("taught")
    jobs = todo(plan, {}, store).jobs
    (teacher,) = (key for key, outputs in jobs.items() if "logits" in outputs)
    before = {teacher, *(need.key for need in plan.runs[teacher].needs.values())}
    for key in [key for key in jobs if key in before]:
        job = Job(plan.runs[key], jobs[key], store, experiment, {})
        assert execute(job, lambda _: None).status == "finished"
    finished = query.finished(plan.runs)
    assert teacher not in todo(plan, finished, store).jobs
    query.connection.client.set_terminated(finished[teacher].run_id, "KILLED")
    assert teacher in todo(plan, query.finished(plan.runs), store).jobs
