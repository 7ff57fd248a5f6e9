"""Which jobs run: judged one after the other, without Snakemake."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sparkle.cluster.internals import before_building
from sparkle.cluster.judgement import JobPlan, Judge, Judgement, restrict
from sparkle.cluster.planning import Planned, plan_lines
from sparkle.errors import SparkleError
from sparkle.provenance.recipe import Input, Recipe
from sparkle.provenance.writing import STORE, run_recorded


@dataclass(eq=False)
class Job:
    """A job of a chain: each reads what the one before it has made."""

    name: str
    recipe: Recipe
    shellcmd: str = ""
    is_norun: bool = False
    output: list[str] = field(default_factory=list)

    def make(self) -> None:
        def run() -> Iterable[Path]:
            text = "".join(each.path.read_text() for each in self.recipe.inputs)
            for path in self.recipe.outputs():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text[:1])  # so that not every change of an input shows
            return ()

        run_recorded(self.recipe, ["sparkle", self.name], run)


class Chain:
    """first -> second -> third, in a results folder; ``first`` reads a file of the user."""

    def __init__(self, folder: Path, store: Path, **settings: Any) -> None:
        self.results, self.store = folder / "results", store
        self.source = folder / "source.txt"
        if not self.source.exists():
            self.source.parent.mkdir(parents=True, exist_ok=True)
            self.source.write_text("abc")
        self.jobs: list[Job] = []
        read = self.source
        for name in ("first", "second", "third"):
            made = self.results / name / "out.txt"
            recipe = Recipe(
                step=name, subject={}, folder=made.parent, stem="", tree="*",
                settings=settings.get(name, {}), inputs=(Input("in", read),),
                outputs=lambda made=made: [made], code={}, stored=True,
            )  # fmt: skip
            self.jobs.append(Job(name, recipe, shellcmd=name, output=[str(made)]))
            read = made

    def judge(self, *, dry: bool = True, forced: Iterable[str] = ()) -> Judgement:
        known = {job.name: job for job in self.jobs}
        judge = Judge(
            lambda n: (known[n].recipe, ["sparkle", n]), self.results, self.store, dry=dry
        )
        before = dict(zip(self.jobs[1:], self.jobs, strict=False))
        return judge.judge_jobs(
            self.jobs,
            lambda job: before[job].output if job in before else [],
            {known[name] for name in forced},
        )

    def plans(self, **how: Any) -> dict[str, str]:
        return {plan.job.name: plan.why for plan in self.judge(**how).plans}

    def make(self) -> None:
        for job in self.jobs:
            job.make()


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    monkeypatch.setenv(STORE, str(tmp_path / "store"))
    made = Chain(tmp_path / "a", tmp_path / "store")
    made.make()
    return made


def test_what_holds_does_not_run(chain: Chain) -> None:
    assert chain.plans() == {}


def test_a_change_runs_its_job_and_perhaps_what_follows(chain: Chain) -> None:
    changed = Chain(chain.source.parent, chain.store, second={"rate": 1})
    assert changed.plans() == {"second": "changed", "third": "after"}
    (plan, _) = changed.judge().plans
    assert plan.reasons == ("rate none -> 1",)


def test_what_comes_out_the_same_computes_nothing_further(chain: Chain) -> None:
    chain.source.write_text("abd")
    assert chain.plans() == {"first": "changed", "second": "after", "third": "after"}
    chain.jobs[0].make()  # its output is the same
    assert chain.plans() == {}


def test_lost_outputs_come_from_the_store(chain: Chain) -> None:
    Path(chain.jobs[1].output[0]).unlink()
    assert chain.plans() == {"second": "stored"}
    judgement = chain.judge(dry=False)
    assert not judgement.plans and [job.name for job in judgement.taken] == ["second"]
    assert chain.plans() == {}


def test_lost_outputs_without_a_store_are_made_as_they_were(chain: Chain) -> None:
    other = Chain(chain.source.parent, chain.store.parent / "empty")
    Path(other.jobs[1].output[0]).unlink()
    assert other.plans() == {"second": "lost"}
    Path(other.jobs[1].output[0]).write_text("b")
    assert other.plans() == {"second": "lost"}


def test_another_experiment_takes_what_it_shares(chain: Chain, tmp_path: Path) -> None:
    other = Chain(tmp_path / "b", chain.store, third={"rate": 1})
    assert other.plans() == {"first": "stored", "second": "stored", "third": "changed"}
    judgement = other.judge(dry=False)
    assert [job.name for job in judgement.taken] == ["first", "second"]
    assert [plan.job.name for plan in judgement.plans] == ["third"]


def test_what_is_asked_for_runs_and_does_not_come_from_the_store(chain: Chain) -> None:
    judgement = chain.judge(dry=False, forced=["second"])
    assert [(plan.job.name, plan.why) for plan in judgement.plans] == [
        ("second", "changed"), ("third", "after")
    ]  # fmt: skip
    assert not chain.plans()  # a dry look at what is there
    Path(chain.jobs[1].output[0]).unlink()
    assert chain.plans() == {"second": "lost"}  # its entry is gone


def test_a_command_that_cannot_be_read_runs(chain: Chain) -> None:
    def fail(_: str) -> None:
        raise ModuleNotFoundError("sparkle.gone is no module of sparkle")

    judge = Judge(fail, chain.results, None, dry=True)
    (plan,) = judge.judge_jobs(chain.jobs[:1], lambda _: (), set()).plans
    assert plan == JobPlan(chain.jobs[0], "changed", ("sparkle.gone is no module of sparkle",))


@dataclass
class Reason:
    forced: bool = False
    cleared: bool = False

    def clear(self) -> None:
        self.cleared = True


class Dag:
    """What is used of Snakemake's DAG: a chain of jobs, all of which it would run, and a target."""

    def __init__(self, jobs: list[Job], target: Job) -> None:
        self._needrun = {*jobs, target}
        self._n_until_ready: dict[Job, int] = {}
        self._len = 0
        self.finished_jobs: set[Job] = set()
        self.dependencies: dict[Job, list[Job]] = {target: jobs[-1:], jobs[0]: []}
        self.dependencies |= {b: [a] for a, b in zip(jobs, jobs[1:], strict=False)}
        self.reasons = {job: Reason() for job in self._needrun}

    def finished(self, job: Job) -> bool:
        return job in self.finished_jobs

    def needrun_jobs(self, exclude_finished: bool = True) -> set[Job]:
        assert not exclude_finished
        return self._needrun

    def reason(self, job: Job) -> Reason:
        return self.reasons[job]


@pytest.fixture
def dag(chain: Chain) -> Dag:
    return Dag(chain.jobs, Job("all", chain.jobs[0].recipe, is_norun=True))


def test_snakemake_runs_just_what_is_wanted(chain: Chain, dag: Dag) -> None:
    first, second, third = chain.jobs
    (target,) = dag._needrun - {first, second, third}
    restrict(dag, {second, third})
    assert dag._needrun == {second, third, target}
    assert dag._n_until_ready == {second: 0, third: 1, target: 1}
    assert dag._len == 3
    assert [job for job, reason in dag.reasons.items() if reason.cleared] == [first]
    assert not any(reason.forced for reason in dag.reasons.values())


def test_snakemake_runs_nothing_if_nothing_is_wanted(dag: Dag) -> None:
    restrict(dag, set())
    assert not dag._needrun and not dag._n_until_ready and dag._len == 0


def test_snakemake_runs_what_it_has_dropped(chain: Chain, dag: Dag) -> None:
    """A job that waits for one that runs, and which Snakemake for that reason has not looked at."""
    first, second, third = chain.jobs
    dag._needrun.discard(third)
    restrict(dag, {first, third})
    assert {first, third} < dag._needrun and second not in dag._needrun
    assert dag._n_until_ready[third] == 0
    assert [job for job, reason in dag.reasons.items() if reason.forced] == [third]


def test_what_is_finished_counts_but_does_not_run_again(chain: Chain, dag: Dag) -> None:
    first, second, third = chain.jobs
    dag.finished_jobs.add(first)
    dag._needrun.discard(first)
    restrict(dag, {first, second})
    assert first not in dag._needrun and dag._n_until_ready[second] == 0
    assert dag._len == 2


@pytest.mark.parametrize("lacking", ["_needrun", "_n_until_ready", "_len"])
def test_another_snakemake_inside_is_said(dag: Dag, lacking: str) -> None:
    workflow = SimpleNamespace(dag=dag, _build_dag=lambda: "built")
    seen: list[Any] = []
    before_building(workflow, seen.append)
    assert workflow._build_dag() == "built" and seen == [dag]
    delattr(dag, lacking)
    with pytest.raises(SparkleError, match=f"no Dag.{lacking}.*\n.*requirements.lock"):
        workflow._build_dag()
    with pytest.raises(SparkleError, match="no SimpleNamespace._build_dag"):
        before_building(SimpleNamespace(), seen.append)


def test_the_snakemake_that_is_installed_has_it_inside() -> None:
    """Before a run finds out: what is used is there in the version of the lock."""
    import snakemake.api  # before its parts, which import each other
    from snakemake.workflow import DAG, Workflow

    assert snakemake.api
    assert callable(Workflow._build_dag)
    source = inspect.getsource(DAG.__init__)
    for name in ("_needrun", "_n_until_ready", "_len"):
        assert f"self.{name} = " in source


def test_the_plan_in_words() -> None:
    jobs = [
        Planned("training_finetune", "m/full/1", "changed", ("rate 1 -> 2",), 3600.0, 4, False),
        Planned("training_finetune", "m/tiny/1", "stored", ("not made yet",), 3600.0, 4, False),
        Planned("inference_tuned", "m/full/1", "after", (), None, 1, False),
    ]
    text = "\n".join(plan_lines(jobs))
    assert (
        "1 jobs are to run, 1 if what they read comes out different, 1 come from the store" in text
    )
    assert "m/full/1: rate 1 -> 2" in text and "taken from the store" in text
    assert "To run: 60 min of jobs, 4.00 GPU hours" in text
    assert "1 jobs of which no benchmark tells" in text
    assert "Nothing is to be done" in next(plan_lines([]))
