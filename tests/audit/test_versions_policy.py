"""policy.toml: the example, the defaults, and every mistake with its line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from audit.core import TaskKind
from audit.errors import SpecError
from audit.inputs.policy_file import example, read_policy
from audit.versions.policy import Gate, Policy


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "policy.toml"
        path.write_text(text)
        return path

    return write


def test_the_example_names_every_setting_and_can_be_read(written) -> None:
    policy = read_policy(written(example()))
    assert policy.gates[0] == Gate(
        metric="fnr",
        outputs=("gender",),
        margin=0.03,
        demand=("all", "single", "ethnicity=Black & gender=Female"),
        watch=("age_band=70+",),
    )
    given = set(tomllib.loads(example()))
    assert given == (set(Policy().as_json()) - {"gates"}) | {"gate"}
    defaults, read = Policy().as_json(), policy.as_json()
    assert {k for k in read if read[k] != defaults[k]} == {"gates", "references"}


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("levle = 1\n", 1, "came levle. Did you mean level?"),
        ("\nlevel = 2\n", 2, "expected less than 1 for level, came 2."),
        ("[margins]\nrate = 0.1\nrte = 1.0\n", 3, "came rte. Did you mean rate?"),
        ("[margins]\nrate = 'a'\n", 2, "expected a number for rate, came 'a'."),
        ("[margins]\nrate = 0.0\n", 2, "expected greater than 0 for rate, came 0.0."),
        ("[[gate]]\nmargin = 0.1\n", 1, "expected a key metric in [[gate]], came none."),
        ("[[gate]]\nmetric = 'fnr'\n[[gate]]\nmetric = 'fnrr'\n", 4, "came fnrr. Did you mean fnr?"),
        ("[[gate]]\nmetric = 'fnr'\n\n[[gate]]\nmetric = 'tpr'\n", 5, "tpr is gated twice for one output"),
        ("[[gate]]\nmetric = 'selection_rate'\n", 2, "has no harmful direction"),
        ("[[gate]]\nmetric = 'base_rate'\n", 2, "came base_rate."),
        ("[[gate]]\nmetric = 'fnr'\nmargn = 1\n", 3, "came margn. Did you mean margin?"),
        ("demand = 'all'\n", 1, "expected a list for demand, came 'all'."),
        ("family = 'each'\n", 1, "expected 'all', 'output' or 'metric' for family, came 'each'."),
        ("cannot_tell = 'warn'\n", 1, "expected 'fail' or 'pass' for cannot_tell, came 'warn'."),
        ("seed = 0\n[gate]\nmetric = 'fnr'\n", 2, "expected tables headed [[gate]], in two brackets"),
        ("[references]\ngender = 1\n", 2, "expected text for gender, came 1."),
    ],
)
def test_a_mistake_is_named_with_its_line(written, text: str, line: int, problem: str) -> None:
    with pytest.raises(SpecError) as refused:
        read_policy(written(text))
    assert str(refused.value).startswith(f"policy.toml, line {line}: ")
    assert problem in str(refused.value)


def test_all_mistakes_are_named_at_once(written) -> None:
    with pytest.raises(SpecError) as refused:
        read_policy(written("level = 2\nalpha = 0\n[[gate]]\nmetric = 'fnr'\nx = 1\n"))
    assert [part.split(":")[0] for part in str(refused.value).split("\n")] == [
        "policy.toml, line 1",
        "policy.toml, line 2",
        "policy.toml, line 5",
    ]


def test_broken_toml_and_missing_files_are_told(written, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="it is not valid TOML: .*line 2"):
        read_policy(written("level = 0.9\nx = = 1\n"))
    with pytest.raises(SpecError, match="there is no such file. `plumbline policy --example`"):
        read_policy(tmp_path / "none.toml")
    with pytest.raises(SpecError, match="expected a file, came a folder"):
        read_policy(tmp_path)


def test_complements_are_measured_as_the_error_they_mirror(written) -> None:
    policy = read_policy(
        written("[margins]\naccuracy = 0.01\n[[gate]]\nmetric = 'accuracy'\n[[gate]]\nmetric = 'tpr'\n")
    )
    assert [gate.metric for gate in policy.gates] == ["error_rate", "fnr"]
    gate = policy.gate("out", "error_rate", TaskKind.BINARY)
    assert policy.margin("error_rate", gate) == 0.01


def test_margins_go_from_the_gate_to_the_metric_to_its_kind() -> None:
    policy = Policy(margins={"rate": 0.04, "fpr": 0.02})
    assert policy.margin("fnr", None) == 0.04
    assert policy.margin("fpr", None) == 0.02
    assert policy.margin("fpr", Gate(metric="fpr", margin=0.001)) == 0.001
    assert policy.margin("mae", None) == 1.0


def test_the_default_gates_the_headline_errors() -> None:
    policy = Policy()
    for kind, names in (
        (TaskKind.BINARY, {"fpr", "fnr"}),
        (TaskKind.MULTICLASS, {"error_rate"}),
        (TaskKind.REGRESSION, {"mae"}),
    ):
        every = ("fpr", "fnr", "error_rate", "mae", "auc", "bias")
        assert {n for n in every if policy.gate("o", n, kind)} == names


def test_a_gate_of_an_output_covers_its_labels() -> None:
    policy = Policy(
        gates=(Gate(metric="fnr", outputs=("comments",)), Gate(metric="fpr", outputs=("c/toxic",)))
    )
    assert policy.gate("comments/toxic", "fnr", TaskKind.BINARY) is not None
    assert policy.gate("c/toxic", "fpr", TaskKind.BINARY) is not None
    assert policy.gate("c/insult", "fpr", TaskKind.BINARY) is None


def test_equal_policies_have_equal_hashes_wherever_their_lines_are(written) -> None:
    one = read_policy(written("demand = ['all']\n"))
    two = read_policy(written("\n\n# moved\ndemand = ['all']\n"))
    assert one.places != two.places
    assert one == two
    assert one.sha256() == two.sha256() != Policy().sha256()
