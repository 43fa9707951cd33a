"""The page on the contract shows files that load and specs that are read, and names every column."""

import re
from pathlib import Path

import pytest

from audit.inputs.columns import Role
from audit.inputs.load import load
from audit.inputs.spec_file import read_spec

PAGE = (Path(__file__).parents[2] / "docs" / "predictions.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_first_example_is_audited_as_it_stands(tmp_path):
    path = tmp_path / "hire.csv"
    path.write_text(blocks("csv")[0], encoding="utf-8")
    spec = tmp_path / "audit.toml"
    spec.write_text("[attributes.age]\nbins = [30]")
    found = load(path, read_spec(spec))
    assert found.predictions["hire"].decision.tolist() == [1, 0, 0, 0]
    assert found.examples.attributes["age"].values == ("under 30", "30+", "unknown")
    assert found.examples.n == 4


@pytest.mark.parametrize("text", blocks("toml"))
def test_every_spec_on_the_page_is_read(tmp_path, text):
    path = tmp_path / "audit.toml"
    path.write_text(text, encoding="utf-8")
    read_spec(path)


@pytest.mark.parametrize("role", list(Role))
def test_every_role_is_on_the_page(role):
    assert re.search(rf"^\| .*`{role}[`.]", PAGE, re.MULTILINE)
