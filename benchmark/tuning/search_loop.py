"""Trials as runs: what a search asks for is trained by the engine that trains everything else."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import mean

from benchmark.declare.search import Params
from benchmark.declare.study import Study
from benchmark.declare.tuned import Searching
from benchmark.errors import StudyError
from benchmark.execute.job import DIED, KILLED, OUT_OF_MEMORY, TIMED_OUT, Ended, Progress
from benchmark.execute.scheduler import Scheduler
from benchmark.execute.todo import missing
from benchmark.record.recorded import Recorded
from benchmark.record.writer import Status
from benchmark.runs.kinds import TrainRun
from benchmark.runs.plan import Planner
from benchmark.tuning.optuna_study import OptunaStudy
from benchmark.tuning.pruner import Pruner
from benchmark.tuning.running_trial import KnownScores, RunningTrial
from benchmark.tuning.trial import BEAT, State, Trial
from trainers.errors import TrainerError

#: Seconds between looks at what other processes did.
_LOOK = 1.0
ENDED: dict[State, Status] = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
#: Ends of a run that are due to its setting: the trial has failed, and would again. A run whose
#: worker died was tried again before.
_DUE_TO_SETTING = ("diverged", OUT_OF_MEMORY, "failed", TIMED_OUT, DIED, KILLED)


class SearchLoop:
    """Carries out one search, beside others on the same scheduler.

    Args:
        searching: what is searched.
        optuna_study: what is known of the search.
        study: what it belongs to.
        scheduler: trains.
        run_id: the search's own run in MLflow.
    """

    def __init__(
        self,
        searching: Searching,
        optuna_study: OptunaStudy,
        study: Study,
        scheduler: Scheduler,
        run_id: str,
    ) -> None:
        self.searching, self.optuna_study, self.study = searching, optuna_study, study
        self.scheduler, self.run_id = scheduler, run_id
        self.finished: dict[str, Recorded] = {}
        self.tuning = study.tuning_used
        self.seeds = self.tuning.seeds_beside(study.seeds)
        self.planner = Planner(study)
        self.pruner = Pruner(self.tuning, optuna_study.higher_is_better)
        self.running: dict[int, RunningTrial] = {}
        self.siblings: Mapping[str, SearchLoop] = {}
        self.hopeless = ""  # why no run of it would come to an end
        self.known = KnownScores()
        self.stops: dict[int, int] = {}
        self.overhead = 0.0
        self._looked = self._beaten = 0.0
        self._news = True

    @property
    def trials(self) -> list[Trial]:
        """All trials, as far as this process knows."""
        return self.optuna_study.seen

    @property
    def told(self) -> int:
        """Trials that the sampler knows the end of: the first so many."""
        ends = [t.told for t in self.trials]
        return ends.index(False) if False in ends else len(ends)

    @property
    def over(self) -> bool:
        """Whether all trials have ended."""
        return self.told == self.optuna_study.trials

    @property
    def stuck(self) -> bool:
        """Whether this process can do nothing more for it."""
        mine = [w for w in self.running.values() if not w.lost]
        open_trials = [t for t in self.trials if t.end is None]
        alive = self.optuna_study.signs.are_of_life
        others = [t for t in open_trials if t.number not in self.running and alive(t)]
        lost = any(w.lost for w in self.running.values())
        return not self.over and not mine and not others and lost

    def on_event(self, event: Progress | Ended) -> None:
        """Take from a worker's word what concerns this search."""
        if isinstance(event, Progress):
            if event.key in self.planner.runs and event.dev is not None:
                self.known.curves.setdefault(event.key, {})[event.epoch] = event.dev
                self._news = True
            return
        for running in list(self.running.values()):
            if event.key in running.keys:
                self._take_end(running, event)
                self._news = True
        if event.status not in ("finished", "cached", "pruned"):
            self._give_up_blocked(event)

    def _take_end(self, running: RunningTrial, event: Ended) -> None:
        if event.status in ("finished", "cached"):
            self._take(event.key, event.scores or {})
        elif event.status in _DUE_TO_SETTING:
            running.trouble = f"{event.status}: {event.message}"
        elif event.status == "pruned":  # by another trial that had no more use for it
            self._train(running, event.key)
        else:
            running.lost = True

    def advance(self) -> None:
        """Do all that can be done now: tell, prune, end, launch, claim, propose."""
        started = time.monotonic()
        others_due = started - self._looked > _LOOK
        if not (self._news or others_due or self.scheduler.hungry):
            return
        self._news = False
        if others_due or self.optuna_study.is_shared:
            self._looked = started
            self.optuna_study.look()
            self._drop_what_others_took()
        self._beat(started)
        while self._one_step():
            pass
        self.overhead += time.monotonic() - started

    def interrupt(self) -> None:
        """Close the records of what this process was training."""
        for running in self.running.values():
            self.scheduler.writer.end(running.run_id, "KILLED", "interrupted")

    def _drop_what_others_took(self) -> None:
        """Give up trials that another process holds now, because this one was silent for long."""
        for running in list(self.running.values()):
            trial = self.trials[running.number]
            if trial.end is not None or trial.owner != self.optuna_study.owner:
                del self.running[running.number]
                self._withdraw(running)
                self.scheduler.writer.end(running.run_id, "KILLED", "taken over")

    def _withdraw(self, running: RunningTrial) -> None:
        """Stop the runs of a trial that no other trial wants."""
        wanted = {
            k
            for loop in [self, *self.siblings.values()]
            for other in loop.running.values()
            for k in other.keys
        }
        self.scheduler.withdraw(running.keys - wanted)

    def _one_step(self) -> bool:
        """Do one thing; whether there was anything to do."""
        acted = (
            self._prune() or self._show_points() or self._end() or self._tell() or self._get_trial()
        )
        for running in self.running.values():
            self._launch(running)
        return acted

    # -- what becomes of trials -----------------------------------------------------------------

    def _show_points(self) -> bool:
        """Report points of curves that have their turn, each judged before the next one."""
        acted = False
        for running in self.running.values():
            trial = self.trials[running.number]
            if trial.end is not None:
                continue
            for step, value in self._points(running).items():
                if step in trial.curve:
                    continue
                if not self.pruner.may_see(self.trials, running.number, step):
                    break
                self.optuna_study.report(running.number, step, value)
                acted = True
                break  # one at a time: it may be the last
        return acted

    def _points(self, running: RunningTrial) -> dict[int, float]:
        """The curve that a trial is held against others by."""
        match self.tuning.pruner:
            case "asha":
                return self.known.curve(running.groups[0])
            case "wilcoxon":
                done = running.groups[: self.known.finished(running)]
                return {step: self.known.mean_of(group) for step, group in enumerate(done)}
            case "none":
                return {}

    def _prune(self) -> bool:
        """Prune what the curves say is to be pruned, if it is this process's to prune."""
        for trial in self.trials:
            stop = self.pruner.sees(trial)
            if stop is not None:
                self.stops[trial.number] = stop
            self.pruner.hears(trial)
            if trial.end is None and trial.number in self.stops and trial.number in self.running:
                reason = f"pruned at step {self.stops[trial.number]}"
                self._close(trial.number, "pruned", reason)
                return True
        return False

    def _end(self) -> bool:
        """Note the end of trials that failed or are complete."""
        for running in list(self.running.values()):
            trial = self.trials[running.number]
            if not self._points(running).keys() <= trial.curve.keys():
                continue  # it may yet be pruned for what came before its end
            if running.trouble:
                # Runs beside the one that failed go on, so that its curve ends at the same epoch
                # however fast they were.
                if any(self.scheduler.is_under_way(k) for k in running.keys):
                    continue
                self._close(running.number, "failed", reason=running.trouble)
                return True
            if self.known.finished(running) == len(running.groups):
                value = mean(self.known.mean_of(group) for group in running.groups)
                self._close(running.number, "complete", value=value)
                return True
        return False

    def _close(self, number: int, end: State, reason: str = "", value: float | None = None) -> None:
        running = self.running.pop(number)
        self.optuna_study.end(number, end, value, reason, self._steps(running))
        self._withdraw(running)
        self.scheduler.writer.end(
            running.run_id,
            ENDED[end],
            reason or "finished",
            {"trial_state": end},
            {"objective": value} if value is not None else {},
        )

    def _steps(self, running: RunningTrial) -> int:
        """Training steps that a trial took."""
        total = 0
        for k in (k for group in running.groups[: running.launched] for k in group):
            run = self.planner.runs[k]
            assert isinstance(run, TrainRun)
            epochs = max(self.known.curves.get(k, {}), default=0)
            if k in self.known.scores:
                epochs = sum(phase.epochs for phase in run.method.phases(run.training))
            total += epochs * -(-run.task.sizes["train"] // run.training.batch_size)
        return total

    def _tell(self) -> bool:
        """Tell the next trial, as soon as the window has moved up to it."""
        next_told = self.told
        if next_told >= len(self.trials) or self.trials[next_told].end is None:
            return False
        proposed = sum(t.params is not None for t in self.trials)
        if proposed < min(next_told + self.tuning.ahead, self.optuna_study.trials):
            return False
        self.optuna_study.tell(next_told)
        return True

    # -- new trials ------------------------------------------------------------------------------

    def _get_trial(self) -> bool:
        """Begin a trial: one that is claimed already, one that its owner left, or a new one."""
        for trial in self.trials:
            mine = trial.owner == self.optuna_study.owner
            if (
                trial.end is None
                and trial.number not in self.running
                and (mine or not self.optuna_study.signs.are_of_life(trial))
            ):
                before = [t.params is not None for t in self.trials[: trial.number]]
                if all(before) and trial.number - self.told < self.tuning.ahead:
                    self._begin(trial)
                    return True
        room = len(self.trials) < min(self.optuna_study.trials, self.told + self.tuning.ahead)
        if room and self.scheduler.hungry:
            self.optuna_study.claim()
            return True
        return False

    def _begin(self, trial: Trial) -> None:
        """Propose a setting, plan its runs and open its record."""
        number = trial.number
        params = trial.params or self.optuna_study.propose(number)
        writer = self.scheduler.writer
        run_id = trial.run_id if trial.run_id and writer.reopen(trial.run_id) else ""
        if not run_id:
            name = f"trial {number} · {self.searching.name}"
            run_id = writer.start(self.scheduler.experiment, name, self._tags(number), params)
        self.optuna_study.own(number, run_id)
        try:
            groups = self._plan(params, number)
        except (TrainerError, StudyError, ValueError, TypeError) as error:
            # Values that are allowed one by one may not go together.
            self.optuna_study.end(number, "failed", None, f"failed: {error}", 0)
            writer.end(run_id, "FAILED", "failed", {"trial_state": "failed"}, detail=str(error))
            return
        self.finished |= self.scheduler.query.finished(k for group in groups for k in group)
        self.running[number] = RunningTrial(number, run_id, groups)

    def _tags(self, number: int) -> dict[str, str]:
        tags = {"role": "trial", "search": self.searching.name, "trial": str(number)}
        return {**self.scheduler.tags, **tags, "mlflow.parentRunId": self.run_id}

    def _plan(self, params: Params, number: int) -> list[tuple[str, ...]]:
        """Of each seed, the runs of all members."""
        of_members = [
            self.planner.arm_runs(arm, task, self.seeds, params, "trial-seed", f" · trial {number}")
            for arm, task in self.searching.members
        ]
        return list(zip(*of_members, strict=True))

    def _launch(self, running: RunningTrial) -> None:
        """Hand a trial's next seed to the scheduler; without pruning all of them at once."""
        running.trouble = running.trouble or self.hopeless
        at_once = self.tuning.pruner == "none"
        while running.launched < len(running.groups) and not running.trouble and not running.lost:
            if not at_once and running.launched > self.known.finished(running):
                return
            for k in running.groups[running.launched]:
                self._train(running, k)
            running.launched += 1

    def _train(self, running: RunningTrial, key: str) -> None:
        runs = self.planner.runs
        needed = {need.key for need in runs[key].needs.values() if need.run.tracked}
        self.finished |= self.scheduler.query.finished(needed - self.finished.keys())
        jobs = missing(runs, {key: frozenset()}, self.finished, self.scheduler.writer.store.cache)
        ended = self.scheduler.outcome.ended
        for k in jobs:
            if k != key and k in ended and ended[k].status in _DUE_TO_SETTING:
                running.trouble = f"{runs[k].name}: {ended[k].status}: {ended[k].message}"
                return
        if key in self.known.scores:
            return
        if not jobs:
            self._take(key, self.finished[key].scores)
        for k, outputs in jobs.items():
            tags = self._tags(running.number) | {"role": "trial-seed"}
            tags["mlflow.parentRunId"] = running.run_id
            self.scheduler.add(runs[k], outputs, -running.number, tags if k == key else None)

    def _take(self, key: str, scores: Mapping[str, float]) -> None:
        """Note the score of a finished run, and its curve where no worker has told it."""
        run = self.planner.runs[key]
        assert isinstance(run, TrainRun)
        self.known.scores[key] = scores[f"dev/{run.metric}"]
        epochs = sum(phase.epochs for phase in run.method.phases(run.training))
        told_by_epoch = self.known.curves.get(key, {})
        if self.tuning.pruner == "asha" and len(told_by_epoch) < epochs:
            query = self.scheduler.query
            done = self.finished.get(key) or query.finished_run(key)
            if done:
                self.known.curves[key] = query.curve(done.run_id, f"epoch/{run.metric}")

    def _give_up_blocked(self, event: Ended) -> None:
        """Trials whose runs were not started because one before them failed."""
        blocked = self.scheduler.outcome.blocked
        for running in self.running.values():
            if any(blocked.get(k) == event.key for k in running.keys):
                if event.status in _DUE_TO_SETTING:
                    running.trouble = f"for want of a run: {event.status}: {event.message}"
                else:
                    running.lost = True

    def _beat(self, now: float) -> None:
        """Say to other processes that this one still works on its trials."""
        if now - self._beaten > BEAT:
            self._beaten = now
            for running in self.running.values():
                self.optuna_study.own(running.number, running.run_id)
