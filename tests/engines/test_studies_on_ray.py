"""A study whose runs are executed on the nodes of a real Ray cluster, with what befalls these."""

import os
import signal
import sys
from pathlib import Path

import pytest

from benchmark.declare.loading import load_study
from benchmark.errors import BenchmarkError
from benchmark.execute.engines.ray.cluster import RayCluster, Resources
from benchmark.execute.engines.ray.engine import RayEngine
from benchmark.execute.job import Ended, Job, Progress
from benchmark.execute.scheduler import Scheduler, run_plan
from benchmark.execute.todo import todo
from benchmark.record.query import Query
from benchmark.record.writer import Writer
from benchmark.runs.kinds import DataRun
from benchmark.runs.plan import make_plan
from benchmark.store.connection import Connection
from benchmark.store.process import Process
from benchmark.store.store import Store
from tests.benchmark.conftest import bench as bench  # a fixture
from tests.engines import ray_cluster
from tests.slurm.studies import begun as begun
from tests.slurm.studies import is_training, query, scores, statuses, wait_until, written

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture
def asked(ray_nodes):
    """Options that name the cluster."""
    return ("--engine", "ray", "--address", ray_nodes.address)


def training(store: Path) -> int:
    """The process of a run that is being trained."""
    wait_until(lambda: is_training(store))
    attempt = query(store).runs("attributes.status = 'RUNNING' and tags.key != ''")[0]
    return Process.parse(attempt.tags["process"]).pid


def pilots() -> list[int]:
    """Actors of Ray, and what was started by them."""
    return [p for p in ray_cluster.processes("ray::RayActor") if Path(f"/proc/{p}/exe").exists()]


def test_scores_are_those_of_this_machine_and_what_a_run_prints_is_kept(tmp_path, bench, asked):
    study = written(tmp_path)
    here, there = tmp_path / "here", tmp_path / "there"
    assert bench("run", study, "--store", here, "--workers", 2).returncode == 0
    told = bench("run", study, *asked, "--store", there, "--workers", 3)
    assert told.returncode == 0, told.stdout + told.stderr
    assert len(scores(here)) == 6
    assert scores(there) == scores(here)
    assert "said by a run" not in told.stdout + told.stderr
    kept = [*there.glob("jobs/ray-study-*/logs/*.out")]
    assert str(kept[0].parent) in told.stdout
    assert len(kept) <= 3, "actors take one run after the other"
    assert any("said by a run" in log.read_text() for log in kept)


def test_a_node_that_is_lost_costs_time_alone(tmp_path, begun, bench, asked, ray_nodes):
    study, store = written(tmp_path, epochs=150), tmp_path / "mlruns"
    process = begun("run", study, *asked, "--workers", 2)
    node = ray_cluster.node_of(ray_nodes, training(store))
    ray_nodes.remove_node(node, allow_graceful=False)
    try:
        assert process.wait(400) == 0, (tmp_path / "printed").read_text()
    finally:
        ray_cluster.add_node(ray_nodes)
    assert "an actor of Ray was lost" in (tmp_path / "printed").read_text()
    told = statuses(store)
    assert told.count("FINISHED") == 6
    assert set(told) == {"FINISHED", "FAILED"}
    lost = query(store).runs("attributes.status = 'FAILED'")
    assert [run.tags["cause"] for run in lost] == ["node lost"]
    here = tmp_path / "here"
    assert bench("run", study, "--store", here, "--workers", 2).returncode == 0
    assert scores(store) == scores(here)


def test_ctrl_c_closes_the_records_and_leaves_no_process(tmp_path, begun, asked):
    study, store = written(tmp_path, epochs=3000), tmp_path / "mlruns"
    process = begun("run", study, *asked, "--workers", 2)
    run = training(store)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert "KILLED" in statuses(store)
    assert "RUNNING" not in statuses(store)
    wait_until(lambda: not pilots() and not Path(f"/proc/{run}").exists(), 60)


def test_a_command_that_is_killed_leaves_no_process_and_is_gone_on_with(tmp_path, begun, asked):
    study, store = written(tmp_path, epochs=100), tmp_path / "mlruns"
    first = begun("run", study, *asked, "--workers", 2)
    run = training(store)
    first.kill()
    first.wait()
    wait_until(lambda: not pilots() and not Path(f"/proc/{run}").exists(), 60)
    assert begun("run", study, *asked, "--workers", 2).wait(400) == 0
    told = statuses(store)
    assert told.count("FINISHED") == 6
    assert set(told) == {"FINISHED", "KILLED"}


def test_what_the_cluster_has_no_room_for_is_refused(tmp_path, bench, asked, ray_nodes):
    study, store = written(tmp_path), tmp_path / "mlruns"
    told = bench("run", study, *asked, "--workers", 5)
    assert told.returncode == 2
    assert f"find no room on the Ray cluster at {ray_nodes.address}, which has some for 4" in (
        told.stderr
    )
    assert not (store / "mlflow.db").exists()
    for needs, said in (
        (Resources(8), "a run takes 8 CPUs, and no node of the Ray cluster"),
        (Resources(1, 1.0), ""),
        (Resources(4, 0.5), "4 CPUs and 0.5 of a GPU"),
    ):
        cluster = RayCluster(ray_nodes.address, needs)
        if said:
            with pytest.raises(BenchmarkError, match=said):
                cluster.check(None, study, Store(str(store)))
        else:
            cluster.check(4, study, Store(str(store)))


def test_a_record_that_nodes_do_not_reach_is_refused(tmp_path, bench, asked, monkeypatch):
    from benchmark.execute.engines.ray.node import Sight, look

    study = written(tmp_path)
    (mark := tmp_path / "mark").touch()
    here = Sight.of(study, mark, Store(str(tmp_path)))
    assert look(here) == ""
    study.write_text(f"{study.read_text()}\n")
    assert "study.py is not what it is here: put the study's folder" in look(here)
    sight = Sight.of(study, mark, Store("http://me:secret@127.0.0.1:9"))
    said = look(sight)
    assert "is not reached" in said
    assert "secret" not in said
    mark.unlink()
    assert "Name a folder with --store that all nodes have" in look(sight)


#: What an actor on a part of a GPU tells of itself.
SEES = """
from pathlib import Path
import os
seen = os.environ.get("CUDA_VISIBLE_DEVICES", "none")
Path(os.environ["ARMBENCH_SEEN"]).open("a").write(seen + "\\n")
"""


def test_runs_share_gpus_as_ray_gives_them_out(tmp_path, ray_nodes, monkeypatch):
    seen = tmp_path / "seen"
    monkeypatch.setenv("ARMBENCH_SEEN", str(seen))
    study = written(tmp_path)
    cluster = RayCluster(ray_nodes.address, Resources(1, 0.5))
    cluster.connect()
    assert cluster.room() == 4
    store = Store(str(tmp_path / "mlruns"))
    runs = make_plan(load_study(study)).runs.values()
    [data] = [run for run in runs if isinstance(run, DataRun)]
    experiment = Writer(Connection(store)).experiment("gpus")
    study.write_text(study.read_text() + SEES)
    load_study(study)
    engine = RayEngine(1, study, store, cluster)
    engine.start(Job(data, frozenset(("data",)), store, experiment, {}))
    ended: list[Ended] = []
    wait_until(lambda: ended.extend(engine.events(0.2)) or ended)  # type: ignore[arg-type]
    engine.stop()
    assert [each.status for each in ended] == ["finished"]
    assert seen.read_text().split()[-1] in ("0", "1")


#: The first step of an arm fills a GPU, the first time; its runs take a moment.
FILLS = """
@dataclass(frozen=True)
class Fills(Base):
    name = "fills"

    def loss(self, step):
        import time
        import torch
        from pathlib import Path

        time.sleep(0.5)
        try:
            Path(FOLDER, "tried").mkdir()
        except FileExistsError:
            return super().loss(step)
        raise torch.OutOfMemoryError("CUDA out of memory.")
"""


class Taken:
    """An actor of somebody else's."""

    def there(self) -> None:
        """Answer, once it has its place."""


def test_a_run_that_others_crowded_out_of_its_gpu_is_tried_again_alone(tmp_path, ray_nodes):
    study = written(tmp_path)
    fills = FILLS.replace("FOLDER", repr(str(tmp_path)))
    text = study.read_text().replace("\nquick =", f"{fills}\nquick =").replace("Talks()", "Fills()")
    study.write_text(text.replace('"talks")', '"fills")'))
    cluster = RayCluster(ray_nodes.address, Resources(1, 0.5))
    cluster.connect()
    import ray
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no node has these tests
    taken = [ray.remote(Taken).options(num_cpus=0, num_gpus=1).remote() for _ in range(3)]
    ray.get([each.there.remote() for each in taken])  # of four, so that all runs share one
    plan, connection = make_plan(load_study(study)), Connection(Store(str(tmp_path / "mlruns")))
    writer, alone = Writer(connection), []

    def look(event: Progress | Ended) -> None:
        at_work = [pilot for pilot in engine._pilots if pilot.job]
        for pilot in at_work:
            if pilot.job.alone:
                alone.append([other.gpu for other in at_work].count(pilot.gpu))

    engine = RayEngine(2, study, connection.store, cluster)
    experiment = writer.experiment("on-slurm")
    scheduler = Scheduler(engine, Query(connection), writer, experiment, {})
    jobs = todo(plan, {}, connection.store).jobs
    others = {key: outputs for key, outputs in jobs.items() if "fills" not in plan.runs[key].name}
    run_plan(plan, others, scheduler, lambda _: 1.0, look)
    wait_until(lambda: not engine.events(0.2) and all(pilot.gpu for pilot in engine._pilots))
    left = {key: outputs for key, outputs in jobs.items() if key not in others}
    outcome = run_plan(plan, left, scheduler, lambda _: 1.0, look)
    engine.stop()
    for each in taken:
        ray.kill(each)
    assert not outcome.failed
    assert [end.crowded for end in outcome.crowded_out.values()] == [True]
    assert set(alone) == {1}


def test_without_an_address_all_is_bound_to_the_loopback_and_ends_with_the_command(
    tmp_path, begun, monkeypatch
):
    if why := ray_cluster.lacking():
        pytest.skip(why)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    study, store = written(tmp_path, epochs=150), tmp_path / "mlruns"
    process = begun("run", study, "--engine", "ray", "--workers", 1)
    run = training(store)
    mine = [p for p in ray_cluster.everything() if process.pid in ray_cluster.ancestors(p)]
    listening = ray_cluster.listening([process.pid, *mine])
    assert listening
    assert all(host.startswith("127.") or host == "::1" for host in listening), listening
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    assert "RUNNING" not in statuses(store)
    wait_until(lambda: not any(os.path.exists(f"/proc/{p}") for p in [run, *mine]), 60)
