"""A run with all that the record has of it, as it is moved to another record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmark.record.query import Query
from benchmark.record.recorded import ORIGIN, PARENT, Recorded

#: A point of a curve: its step, its value, and when it was written in milliseconds since 1970.
Point = tuple[int, float, int]
#: How a run can have ended.
ENDS = ("FINISHED", "FAILED", "KILLED")


@dataclass(frozen=True)
class WholeRun:
    """A run that has ended.

    Attributes:
        identity: its id where it was made, which it keeps wherever it is moved to.
        name: for people.
        experiment: the name of the one that it was made in.
        status: one of :data:`ENDS`.
        began: in milliseconds since 1970.
        ended: in milliseconds since 1970.
        parent: identity of the run that it stands below; empty where there is none.
        tags: all but those that say where it is and was.
        parameters: as texts.
        metrics: every point of every metric, by its name.
    """

    identity: str
    name: str
    experiment: str
    status: str
    began: int
    ended: int
    parent: str
    tags: Mapping[str, str]
    parameters: Mapping[str, str]
    metrics: Mapping[str, tuple[Point, ...]]

    def as_json(self) -> dict[str, Any]:
        """In plain lists and dicts, as :meth:`from_json` reads them."""
        return asdict(self)

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> WholeRun:
        """As it was written.

        Raises:
            ValueError: something is missing or of another kind.
        """
        try:
            texts = {
                name: _text(read[name])
                for name in ("identity", "name", "experiment", "status", "parent")
            }
            if texts["status"] not in ENDS:
                raise ValueError(f"no run ends as {texts['status']}")
            return cls(
                **texts,
                began=int(read["began"]),
                ended=int(read["ended"]),
                tags={_text(k): _text(v) for k, v in read["tags"].items()},
                parameters={_text(k): _text(v) for k, v in read["parameters"].items()},
                metrics={_text(k): tuple(map(_point, v)) for k, v in read["metrics"].items()},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a run lacks something: {error}") from error


def read_whole(query: Query, run: Recorded, experiment: str, parent: str) -> WholeRun:
    """All that the record has of a run.

    Metrics whose last step is 0 have one point; asking for each would take a server minutes.

    Args:
        query: to the record.
        run: which.
        experiment: the name of its experiment.
        parent: identity of the run that it stands below.
    """
    client = query.connection.client
    kept: Any = client.get_run(run.run_id)
    metrics = {}
    for last in sorted(kept.data._metric_objs, key=lambda each: str(each.key)):
        points = client.get_metric_history(run.run_id, last.key) if last.step else [last]
        metrics[str(last.key)] = tuple(
            sorted((int(p.step), float(p.value), int(p.timestamp)) for p in points)
        )
    return WholeRun(
        identity=run.identity,
        name=run.called,
        experiment=experiment,
        status=run.status,
        began=int(kept.info.start_time),
        ended=int(kept.info.end_time or kept.info.start_time),
        parent=parent,
        tags={name: run.tags[name] for name in sorted(run.tags) if name not in (ORIGIN, PARENT)},
        parameters=dict(sorted(run.parameters.items())),
        metrics=metrics,
    )


def files_of(query: Query, run: Recorded) -> Iterator[tuple[str, Path]]:
    """Every file that a run keeps, by its path within; of a server fetched one by one."""
    kept = query.connection.artifacts_of(run.run_id)
    if kept is not None:
        for path in sorted(kept.rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                yield path.relative_to(kept).as_posix(), path
        return
    for name in sorted(_listed(query, run.run_id, "")):
        fetched = query.artifact(run.run_id, name)
        if fetched is not None:
            yield name, fetched
            fetched.unlink()


def _listed(query: Query, run_id: str, folder: str) -> Iterator[str]:
    for each in query.connection.client.list_artifacts(run_id, folder or None):
        if each.is_dir:
            yield from _listed(query, run_id, each.path)
        else:
            yield str(each.path)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _point(read: Any) -> Point:
    step, value, at = read
    return int(step), float(value), int(at)
