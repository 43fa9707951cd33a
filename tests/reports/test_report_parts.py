"""Numbers, strips, small cells, words and the model card, each by itself."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pyarrow as pa
import pytest

from audit.core import Reason
from reports import card, numbers, privacy, sentences, svg, texts

ROOT = Path(__file__).parents[2]
# "debiased" names an estimator of the calibration error; the verb promises what no audit can
PROMISES = re.compile(
    r"\bdebias(es|ing)?\b|\bproves? (it |to be )?fair|\bbias-free\b|\bunbiased model", re.IGNORECASE
)


@pytest.mark.parametrize(
    ("x", "shown"),
    [(None, "–"), (0.00001, "<.0001"), (0.0001, ".0001"), (0.01234, ".0123"), (0.5, ".5000"), (1.0, "1")],
)
def test_p_values(x: float | None, shown: str) -> None:
    assert numbers.p(x) == shown


@pytest.mark.parametrize(
    ("x", "unit", "shown"),
    [
        (0.12345, "rate", "12.3%"),
        (0.9342, "AUC", "0.934"),
        (-13.71, "years", "−13.7 years"),
        (0.289, "years", "0.29 years"),
        (-0.0001, "rate", "0.0%"),
        (12345.6, "euros", "12,345.6 euros"),
    ],
)
def test_values(x: float, unit: str, shown: str) -> None:
    assert numbers.value(x, unit) == shown


def test_no_events_are_an_upper_bound_and_all_events_a_lower_one() -> None:
    none = numbers.measured(0.0, 0.0, 0.035, 107, 0, "rate", "")
    assert (none.value, none.interval, none.n) == ("≤ 3.5%", "0 of 107", "107")
    every = numbers.measured(1.0, 0.965, 1.0, 107, 107, "rate", "")
    assert every.value == "≥ 96.5%"


@pytest.mark.parametrize("code", [*Reason, "shown_only", ""])
def test_every_missing_number_has_words(code: str) -> None:
    assert numbers.not_computed(code).startswith("not computed")
    assert "_" not in numbers.reason(code)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([0.1, 0.53], 0.0, 0.6),
        ([0.2, 0.99], 0.0, 1.0),
        ([-28.0, 12.0], -40.0, 20.0),
        ([0.0], 0.0, 1.0),
        ([], 0.0, 1.0),
    ],
)
def test_axes_end_at_round_numbers_and_hold_their_values(
    values: list[float], low: float, high: float
) -> None:
    axis = svg.scale(values, zero=True, top=1.0 if all(abs(v) <= 1 for v in values) else None)
    assert (axis.low, axis.high) == (low, high)
    assert axis.ticks[0] == low


@pytest.mark.parametrize("kind", ["finding", "known", "small"])
def test_strips_are_well_formed_and_marks_differ_in_shape(kind: str) -> None:
    axis = svg.scale([0.0, 0.5], zero=True)
    drawn = svg.strip(svg.Mark(value=0.2, low=0.1, high=0.9, reference=0.3, kind=kind), axis, 0.25)
    root = ET.fromstring(drawn)
    shapes = [element.tag.partition("}")[2] for element in root]
    assert ("circle" in shapes) is (kind != "finding")
    assert sum(s == "path" for s in shapes) == (2 if kind == "finding" else 1)  # an arrow where it goes on
    assert all(0 <= float(e.get("x1", 0)) <= axis.width for e in root)


def test_small_rows_keep_their_names_and_lose_their_numbers() -> None:
    table = pa.table(
        {
            "slice": ["g=a", "g=b", "g=c"],
            "depth": [1, 1, 1],
            "rows": [9, 10, 40],
            "n": [9, 10, 3],
            "value": [0.5, 0.6, 0.7],
            "attributes": [["g"], ["g"], ["g"]],
        }
    )
    shared = privacy.shared_table(table, privacy.small_slices(table))
    assert shared["value"].to_pylist() == [None, 0.6, None]
    assert shared["rows"].to_pylist() == [None, 10, None]
    assert shared["slice"].to_pylist() == ["g=a", "g=b", "g=c"]
    assert "attributes" not in shared.column_names
    assert [bool(h) for h in shared["hidden"].to_pylist()] == [True, False, True]


def test_a_spread_that_rests_on_a_small_group_is_hidden() -> None:
    spread = pa.table(
        {"output": ["o", "o"], "attribute": ["g", "g"], "metric": ["fpr", "equalised_odds"]}
        | {"largest": ["b", "b"], "smallest": ["a", "a"], "gap": [0.4, 0.4], "groups": [3, 3]}
    )
    shared = privacy.shared_table(spread, frozenset(), frozenset({("o", "fpr", "g=a")}))
    assert shared["gap"].to_pylist() == [None, None]
    assert shared["groups"].to_pylist() == [3, 3]


def test_nothing_promises_what_no_audit_can() -> None:
    places = [
        ROOT / "README.md",
        *(p for d in ("reports", "dashboard", "docs") for p in (ROOT / d).rglob("*")),
    ]
    read = [p for p in places if p.suffix in (".py", ".md", ".typ", ".css", ".toml") and p.name != "texts.py"]
    assert len(read) > 10
    found = [str(p.relative_to(ROOT)) for p in read if PROMISES.search(p.read_text(encoding="utf-8"))]
    assert found == []


def test_the_standing_words_promise_nothing() -> None:
    words = [
        w for of in (texts.METHODS, texts.LIMITS, texts.STANDARDS, texts.GLOSSARY) for row in of for w in row
    ]
    assert not [w for w in words if PROMISES.search(w) or any(b in w.lower() for b in texts.BANNED)]


def test_a_card_has_the_nine_parts_and_escapes_names(planted: Path, tmp_path: Path) -> None:
    text = card.write(planted, tmp_path / "CARD.md").read_text(encoding="utf-8")
    parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert parts == [
        "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
        "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
    ]  # fmt: skip
    assert r"\<img src=x\>" in text
    assert "<img" not in text.replace(r"\<", "")
    assert "tiny (fewer than 10)" in text
    assert "person-" not in text


def test_what_was_not_tested_is_said_in_words(planted: Path) -> None:
    from audit.store.read import open_run

    lines = sentences.untested(open_run(planted))
    assert any("fewer rows than the minimum n" in line for line in lines)
    assert any(line.startswith("Not part of this run: identity terms in text") for line in lines)
    assert not any("_" in line for line in lines)


def test_the_findings_that_open_a_report_name_each_slice_once(planted: Path) -> None:
    from audit.core import Level
    from audit.finding_groups import ranked
    from audit.store.read import open_run

    run = open_run(planted)
    first, rest = sentences.worst(run, 3)
    heads = [group[0] for group in first]
    assert len({(f.output, f.slice.key) for f in heads}) == len(heads)
    assert heads[0] is ranked(run)[0]
    assert {id(f) for f in heads} | {id(f) for f in rest} == {id(f) for f in ranked(run)}
    assert not {id(f) for f in heads} & {id(f) for f in rest}
    assert all(f.severity.level is not Level.NOT_ESTABLISHED for group in first for f in group)
    group = next(group for group in first if len(group) > 1)
    text = sentences.finding(*group)["text"]
    for other in group[1:]:
        shown = (
            f"{other.gap.value * 100:+.1f} points" if other.gap.unit == "rate" else f"{other.gap.value:+.3f}"
        )
        assert f"{sentences.title(other.metric)} {shown}".replace("-", "−") in text
    assert "Also" not in sentences.finding(group[0])["text"]


def test_a_small_slice_is_not_told_by_what_stands_beneath_a_finding(planted: Path) -> None:
    from dataclasses import replace

    from audit.store.read import open_run

    f = open_run(planted).sections[0].findings[0]
    few = replace(f, value=replace(f.value, n=3, events=2), slice=replace(f.slice, n=3))
    assert "Also" not in sentences.finding(f, few)["text"]
