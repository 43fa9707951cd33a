"""Findings about one slice stand together, in the order of the worst of them."""

from __future__ import annotations

from browsed_runs import ORDINARY, run_folder
from hypothesis import given
from hypothesis import strategies as st

from audit.core import Level
from audit.finding_groups import grouped, ranked
from audit.store.read import open_run


def test_findings_are_ranked_by_level_and_score() -> None:
    found = ranked(open_run(run_folder(ORDINARY)))
    assert len(found) > 3
    order = [list(Level).index(f.severity.level) for f in found]
    assert order == sorted(order)
    for one, other in zip(found, found[1:], strict=False):
        if one.severity.level is other.severity.level:
            assert one.severity.score >= other.severity.score


@given(st.permutations(range(8)))
def test_groups_keep_every_finding_once_and_the_order_of_their_first(order: list[int]) -> None:
    stored = ranked(open_run(run_folder(ORDINARY)))
    found = [stored[i] for i in order if i < len(stored)]
    groups = grouped(found)
    assert sorted(id(f) for group in groups for f in group) == sorted(map(id, found))
    keys = [{(f.probe, f.output, f.slice.key) for f in group} for group in groups]
    assert all(len(key) == 1 for key in keys)
    assert len({key for one in keys for key in one}) == len(groups)
    assert [found.index(group[0]) for group in groups] == sorted(found.index(group[0]) for group in groups)
    for group in groups:
        places = [found.index(f) for f in group]
        assert places == sorted(places)


def test_the_planted_fault_is_one_group_of_several_metrics() -> None:
    first = grouped(ranked(open_run(run_folder(ORDINARY))))[0]
    assert {f.metric for f in first} >= {"fpr", "ppv", "error_rate"}
