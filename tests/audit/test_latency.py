"""Latency on a clock of our own, so that every number is known: percentiles, budget, advice, the probe."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from audit.core import Examples, Reason, Source, Status, Task, TaskKind
from audit.latency.advice import advice, unsteady
from audit.latency.grid import Cell, Condition, conditions, measure
from audit.latency.probe import Latency, table
from audit.latency.timing import MAX_ROUNDS, MIN_ROUNDS, WARM_UP, cores, described, timed
from audit.protocols import Context
from audit.resume import probe_names
from audit.spec import Spec

YES_NO = Task(kind=TaskKind.BINARY, classes=("no", "yes"))


class Clock:
    """Seconds that pass only when something is done."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Paced:
    """A text model that takes 4 ms and 1 ms a text for each call; half with two threads, and no bf16."""

    payload = "text"

    def __init__(self, clock: Clock, threads: int = 1, precision: str = "fp32") -> None:
        self.tasks = {"y": YES_NO}
        self.clock, self.threads, self.precision = clock, threads, precision
        self.seen: list[str] = []

    def predict(self, batch):
        if self.precision == "bf16":
            raise RuntimeError("this machine has no bf16")
        self.seen += batch
        self.clock.now += (0.004 + 0.001 * len(batch)) / self.threads
        return {"y": np.zeros(len(batch))}

    def configured(self, threads: int, precision: str, compile: bool) -> "Paced":
        return Paced(self.clock, threads, precision)


def test_timed_counts_rounds_after_the_warm_up() -> None:
    clock, calls = Clock(), []

    def call() -> None:
        calls.append(1)
        clock.now += 0.01

    found = timed(call, 0.2, clock)
    assert (found.rounds, len(calls)) == (pytest.approx(20, abs=1), found.rounds + WARM_UP)
    assert found.p50 == pytest.approx(10)
    assert found.variation == pytest.approx(0, abs=1e-9)
    assert timed(call, 0.0, clock).rounds == MIN_ROUNDS
    assert timed(call, 1e9, clock).rounds == MAX_ROUNDS


def test_described_covers_the_median() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(500):
        found = described(rng.exponential(size=40))
        held += found.p50_low <= np.log(2) <= found.p50_high
    # at least 95 % of 500, less 3 standard errors
    assert held >= 461
    times = np.arange(1.0, 101.0)
    assert described(times).p95 == np.percentile(times, 95)
    assert described(times).variation == pytest.approx(times.std() / times.mean())


def test_grid_measures_what_the_model_takes() -> None:
    clock = Clock()
    model = Paced(clock)
    grid = conditions(model, threads=(1, 2))
    assert len(grid) == 12
    cells = list(measure(model, ["a", "b"], grid, clock=clock))
    got = {(c.condition.batch, c.condition.threads): c for c in cells if c.timed is not None}
    for (batch, threads), cell in got.items():
        assert cell.timed.p50 == pytest.approx((4 + batch) / threads)
        assert cell.per_second == pytest.approx(batch * threads / (0.004 + 0.001 * batch))
    assert {c.condition.precision for c in cells if c.timed is None} == {"bf16"}
    assert all(c.why == "RuntimeError: this machine has no bf16" for c in cells if c.timed is None)
    best, single = advice(cells)
    assert best.best.condition == Condition(batch=32, threads=2, precision="fp32")
    assert single.best.condition == Condition(batch=1, threads=2, precision="fp32")
    assert best.alike == ()
    assert "batch 32, 2 threads, fp32: 1,777.8 examples a second, 18.0 ms a call" in best.words


def test_grid_stops_at_its_budget_and_says_so() -> None:
    clock = Clock()
    model = Paced(clock)
    cells = list(measure(model, ["a"], conditions(model, threads=(1,)), budget=0.05, each=10, clock=clock))
    assert clock.now <= 0.05 + 0.036
    assert "left out: the 0.05 seconds" in cells[-1].why
    assert cells[0].timed is not None


def test_one_slow_setting_does_not_cost_the_others_their_place() -> None:
    clock = Clock()

    class Thrashing(Paced):
        def configured(self, threads: int, precision: str, compile: bool) -> "Paced":
            return Paced(clock, 0.01 if threads == 2 else 1)

    grid = conditions(Thrashing(clock), threads=(1, 2))
    cells = list(measure(Thrashing(clock), ["a"], grid, budget=15, each=0.1, clock=clock))
    assert all(cell.timed is not None for cell in cells if cell.condition.threads == 1)
    assert [c.condition.batch for c in cells if c.timed is None] == [8, 8, 32, 32]


def test_a_model_that_cannot_be_configured_runs_as_it_is() -> None:
    class Fixed:
        tasks, payload = {"y": YES_NO}, "text"

        def predict(self, batch):
            return {"y": np.zeros(len(batch))}

    assert [(c.batch, c.threads, c.precision) for c in conditions(Fixed())] == [
        (1, None, "as given"),
        (8, None, "as given"),
        (32, None, "as given"),
    ]


def test_advice_says_what_is_within_noise() -> None:
    def cell(batch: int, times: list[float]) -> Cell:
        found = described(np.array(times))
        condition = Condition(batch=batch, threads=1, precision="fp32")
        return Cell(condition=condition, timed=found, per_second=batch / found.p50 * 1000)

    near = [cell(1, [9, 10, 11, 10, 12]), cell(1, [10, 11, 12, 11, 9.5]), cell(1, [30, 31, 32, 30, 33])]
    (throughput, wait) = advice(near)
    assert wait.best is near[0]
    assert wait.alike == (near[1],)
    assert "Within noise of it" in throughput.words
    assert unsteady([*near, cell(1, [1, 1, 9, 1, 1])]) == 1
    assert advice([]) == []


def _context(tmp_path: Path, model, n: int = 40) -> Context:
    texts = [f"text {k}" for k in range(n)]
    payloads = ("text",)
    examples = Examples(
        ids=pa.array([str(k) for k in range(n)]),
        split=np.full(n, 2, np.int8),
        attributes={},
        identities={},
        clusters=None,
        images=None,
        source=Source(path="x.csv", sha256="", data_root=str(tmp_path), payloads=payloads),
    )
    return Context(
        examples=examples,
        predictions={},
        audited=np.ones(n, dtype=np.bool_),
        spec=Spec(),
        seed=0,
        executor=ThreadPoolExecutor(1),
        cache=tmp_path,
        payloads=lambda column, rows: [texts[row] for row in rows],
        model=model,
    )


def test_latency_probe_needs_a_model_and_lists_every_condition(tmp_path: Path, monkeypatch) -> None:
    import audit.latency.probe as module

    assert Latency().applies(_context(tmp_path, None)) is Reason.NEEDS_MODEL
    clock = Clock()
    context = _context(tmp_path, Paced(clock))
    assert Latency().applies(context) is None
    monkeypatch.setattr(module, "measure", lambda *given: measure(*given, clock=clock))
    section = Latency().run(context)
    assert section.status is Status.OK
    made = section.tables["latency"].to_pylist()
    assert len(made) == 3 * len({1, cores()}) * 2
    assert section.summary["measured"] == sum(row["p50_ms"] is not None for row in made)
    assert section.summary["left_out"] == sum(bool(row["why"]) for row in made)
    assert len(section.summary["recommendations"]) == 2
    assert section.findings == ()


def test_latency_table_holds_nulls_where_nothing_was_measured() -> None:
    condition = Condition(batch=1, threads=2, precision="bf16")
    (row,) = table([Cell(condition=condition, timed=None, why="no")]).to_pylist()
    assert row["p50_ms"] is None
    assert (row["batch"], row["threads"], row["why"]) == (1, 2, "no")


def test_latency_runs_only_when_it_is_named() -> None:
    assert "latency" not in probe_names(())
    assert "privacy" in probe_names(())
    assert probe_names(("latency",)) == ("latency",)
