"""The vocabulary through JSON and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import wording
from audit.core import Estimate, Finding, Level, Reason, Severity, Slice, Status, TaskKind, Test
from audit.spec import Spec
from audit.store.plain import from_plain, to_plain

NUMBER = st.floats(allow_nan=False, allow_infinity=True)
ESTIMATES = st.builds(
    Estimate,
    value=st.none() | NUMBER,
    low=st.none() | NUMBER,
    high=st.none() | NUMBER,
    n=st.integers(0, 2**60),
    method=st.text(),
    unit=st.sampled_from(["rate", "AUC", "years"]),
    better=st.sampled_from(["higher", "lower", "zero", "neither"]),
    events=st.none() | st.integers(0, 100),
    marks=st.lists(st.text(), max_size=3).map(tuple),
    reason=st.none() | st.sampled_from(Reason),
)
FINDINGS = st.builds(
    Finding,
    probe=st.text(),
    output=st.text(),
    slice=st.builds(
        Slice, of=st.lists(st.tuples(st.text(), st.text()), max_size=3).map(tuple), n=st.integers(0, 9)
    ),
    metric=st.text(),
    value=ESTIMATES,
    reference=st.text(),
    reference_value=ESTIMATES,
    gap=ESTIMATES,
    test=st.builds(
        Test,
        method=st.text(),
        p=st.none() | st.floats(0, 1),
        p_adjusted=st.none() | st.floats(0, 1),
        family=st.text(),
        adjustment=st.text(),
        tests=st.integers(0, 9),
    ),
    severity=st.builds(Severity, level=st.sampled_from(Level), score=NUMBER, margin=NUMBER, why=st.text()),
    smallest_gap=st.none() | NUMBER,
    affected=st.integers(0, 9),
    evidence=st.lists(st.text(), max_size=3).map(tuple),
    clauses=st.lists(st.text(), max_size=3).map(tuple),
)


@given(FINDINGS)
def test_a_finding_survives_json(finding: Finding) -> None:
    text = json.dumps(to_plain(finding), allow_nan=False)
    assert from_plain(Finding, json.loads(text)) == finding


def test_numpy_values_become_plain_ones() -> None:
    value = {np.int64(3): (np.float64(0.5), np.bool_(True), np.array([1, 2])), Reason.MIRROR: float("nan")}
    assert to_plain(value) == {"3": [0.5, True, [1, 2]], "mirror": "nan"}
    assert type(to_plain(np.float32(0.5))) is float


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", {"deep": [object()]}])
def test_what_json_has_no_form_for_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="can't be stored as JSON"):
        to_plain(value)


@pytest.mark.parametrize("change", [{"unheard_of": 1}, {"value": None, "n": "drop"}])
def test_fields_must_fit(change: dict[str, object]) -> None:
    estimate = Estimate(value=1, low=0, high=2, n=3, method="m", unit="u", better="lower")
    plain = to_plain(estimate) | change
    plain = {key: value for key, value in plain.items() if value != "drop"}
    with pytest.raises(TypeError):
        from_plain(Estimate, plain)


def test_every_code_has_words() -> None:
    assert set(wording.REASONS) == set(Reason)
    assert set(wording.STATUSES) == set(Status)
    assert set(wording.LEVELS) == set(wording.LEVEL_MEANINGS) == set(Level)
    assert set(wording.KINDS) == set(TaskKind)
    for words in (wording.REASONS, wording.STATUSES, wording.LEVELS, wording.LEVEL_MEANINGS, wording.KINDS):
        assert len(set(words.values())) == len(words)
        assert all(word and not word.endswith(".") for word in words.values())


def test_other_text_passes_through_as_a_reason() -> None:
    assert wording.reason("too_few") == "fewer rows than the minimum n"
    assert wording.reason("ValueError: x") == "ValueError: x"


def test_equal_specs_have_equal_hashes_whatever_their_order() -> None:
    one, two = Spec(columns={"a": "id", "b": "text"}), Spec(columns={"b": "text", "a": "id"})
    assert one.sha256() == two.sha256() != Spec().sha256()
