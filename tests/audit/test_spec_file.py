"""audit.toml: the example covers every setting, and every mistake is named with its line."""

import dataclasses

import pytest

from audit.core import TaskKind
from audit.errors import SpecError
from audit.inputs.spec_file import example, read_spec
from audit.spec import MARGINS, AttributeSpec, IdentitySpec, OutputSpec, Primary, Spec


@pytest.fixture
def put(tmp_path):
    def write(text):
        path = tmp_path / "audit.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_no_file_gives_the_defaults(put):
    assert read_spec(None) == Spec()
    assert read_spec(put("")) == Spec()
    assert read_spec(put("\ufeff# a byte-order mark")) == Spec()


def test_the_example_is_read_as_it_says(put):
    spec = read_spec(put(example()))
    assert spec.outputs["invited"] == OutputSpec(type=TaskKind.BINARY, positive="yes", harmful="fnr")
    assert spec.outputs["comments"] == OutputSpec(
        labels=("toxic", "insult"), threshold={"toxic": 0.5, "insult": 0.4}
    )
    assert spec.attributes == {
        "sex": AttributeSpec(reference="Male"),
        "age": AttributeSpec(bins=(18.0, 30.0, 45.0, 60.0)),
    }
    assert spec.primary == (Primary(output="invited", attribute="sex", metric="fnr"),)
    assert spec.margins == MARGINS


@pytest.mark.parametrize("setting", [field.name for field in dataclasses.fields(Spec)])
def test_the_example_names_every_setting(setting):
    lines = example().splitlines()
    assert any(
        line.startswith((f"{setting} =", f"[{setting}]", f"[{setting}.", f"[[{setting}]]")) for line in lines
    ), setting


FILLED_IN = {(IdentitySpec, "files"), (IdentitySpec, "root")}
"""What the reader adds; no setting."""


@pytest.mark.parametrize("table", [OutputSpec, AttributeSpec, IdentitySpec, Primary])
def test_the_example_names_every_setting_of_a_table(table):
    for field in dataclasses.fields(table):
        if (table, field.name) in FILLED_IN:
            continue
        assert f"\n{field.name} = " in example(), field.name


@pytest.mark.parametrize(
    "setting", ["seed", "level", "minimum_n", "depth", "max_values", "draws", "split", "replicates"]
)
def test_the_example_states_the_default(put, setting):
    assert getattr(read_spec(put(example())), setting) == getattr(Spec(), setting)


def test_margins_are_laid_over_the_defaults(put):
    spec = read_spec(put('metrics = ["costs:loss_of"]\n[margins]\nmae = 2\n"costs:loss_of" = 10'))
    assert spec.margins == {**MARGINS, "mae": 2.0, "costs:loss_of": 10.0}


@pytest.mark.parametrize(("written", "read"), [("true", "true"), ("1", "1"), ('"Male"', "Male")])
def test_positive_may_be_text_a_whole_number_or_a_truth_value(put, written, read):
    assert read_spec(put(f"[outputs.x]\npositive = {written}")).outputs["x"].positive == read


def test_the_example_states_the_defaults_of_identity_terms(put):
    assert read_spec(put(example())).identity == Spec().identity


def test_what_a_named_file_holds_is_part_of_the_hash_and_where_it_lies_is_not(tmp_path):
    hashes = []
    for folder, held in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.csv").write_text(held)
        path = tmp_path / folder / "audit.toml"
        path.write_text('[identity]\nlexicon = "mine.csv"\nsuites = ["mine.csv"]\nswap_texts = 5')
        spec = read_spec(path)
        assert (spec.identity.root, spec.identity.suites) == (str(path.parent), ("mine.csv",))
        assert str(tmp_path) not in str(spec.as_json())
        hashes.append(spec.sha256())
    assert hashes[0] == hashes[1] != hashes[2]


OUTPUT = "type, positive, threshold, labels, unit, harmful"
MISTAKES = {
    "unknown key": (
        "# my spec\nminimum = 3",
        "line 2: expected one of name, version, seed, probes, split, level, minimum_n, depth, replicates, "
        "draws, columns, outputs, attributes, identity_threshold, identity, attribution, "
        "primary, margins, impact_minimum_share, compose_by, metrics, search_depth, max_values in the top of "
        "the file, came minimum. Did you mean minimum_n?",
    ),
    "unknown key of an output": (
        "[outputs.toxic]\n\nthresh = 0.3",
        f"line 3: expected one of {OUTPUT} in [outputs.toxic], came thresh. Did you mean threshold?",
    ),
    "unknown key of an attribute": (
        "attributes.age.bin = [1]",
        "line 1: expected one of reference, bins in [attributes.age], came bin. Did you mean bins?",
    ),
    "unknown margin": (
        "[margins]\nrat = 0.1",
        "line 2: expected one of rate, auc, mae, flip_rate, loss in [margins], came rat. Did you mean rate?",
    ),
    "a file that is not there": (
        '[identity]\nlexicon = ""\nsuites = [\n  "none.csv",\n]',
        "line 3: none.csv can't be read: No such file or directory.",
    ),
    "unknown setting of identity terms": (
        "[identity]\nlexikon = 1",
        "line 2: expected one of lexicon, lexicon_replaces, suites, shipped_suite, suite_label, "
        "swap_texts in [identity], came lexikon. Did you mean lexicon?",
    ),
    "text for a number": ('seed = "a"', "line 1: expected a whole number for seed, came 'a'."),
    "truth value for a number": ("seed = true", "line 1: expected a whole number for seed, came True."),
    "half a row": ("minimum_n = 2.5", "line 1: expected a whole number for minimum_n, came 2.5."),
    "negative": ("seed = -1", "line 1: expected greater than or equal to 0 for seed, came -1."),
    "level of 1": ("level = 1", "line 1: expected less than 1 for level, came 1."),
    "unknown split": (
        'split = "tst"',
        "line 1: expected 'train', 'validation' or 'test' for split, came 'tst'.",
    ),
    "unknown type": (
        '[outputs."P(x)"]\ntype = "yes/no"',
        "line 2: expected 'binary', 'multiclass', 'multilabel' or 'regression' for type, came 'yes/no'.",
    ),
    "threshold above 1": (
        "[outputs.x]\nthreshold = 2",
        "line 2: expected less than or equal to 1 for threshold, came 2.",
    ),
    "a label's threshold above 1": (
        "[outputs.x]\nthreshold = { a = 3 }",
        "line 2: expected less than or equal to 1 for a, came 3.",
    ),
    "bins out of order": (
        "[attributes.age]\nbins = [30, 18]",
        "line 2: expected edges that increase for bins, came [30, 18].",
    ),
    "text for bins": ('[attributes.age]\nbins = ["a"]', "line 2: expected a number for bins, came 'a'."),
    "no list": ('probes = "group_error"', "line 1: expected a list for probes, came 'group_error'."),
    "no table": ("outputs = 3", "line 1: expected a table for outputs, came 3."),
    "no table of an output": ("[outputs]\nx = 3", "line 2: expected a table for x, came 3."),
    "no text": ("[columns]\nage = 1", "line 2: expected text for age, came 1."),
    "no path of a function": (
        'metrics = ["loss"]',
        "line 1: expected package.module:function for metrics, came ['loss'].",
    ),
    "a margin of 0": ("[margins]\nrate = 0", "line 2: expected greater than 0 for rate, came 0."),
    "half a comparison": (
        '[[primary]]\noutput = "x"\nattribute = "sex"\nmetric = "fnr"\n\n'
        '[[primary]]\noutput = "x"\nmetric = "fpr"',
        "line 6: expected a key attribute in [primary], came none.",
    ),
}


@pytest.mark.parametrize(("text", "words"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named_with_their_line(put, text, words):
    with pytest.raises(SpecError) as raised:
        read_spec(put(text))
    assert str(raised.value) == f"audit.toml, {words}"


def test_all_mistakes_are_named_at_once(put):
    with pytest.raises(SpecError) as raised:
        read_spec(put('seed = -1\n[outputs.x]\nharmful = "none"\n'))
    assert str(raised.value) == (
        "audit.toml, line 1: expected greater than or equal to 0 for seed, came -1.\n"
        "audit.toml, line 3: expected 'fpr', 'fnr' or 'both' for harmful, came 'none'."
    )


def test_what_is_no_toml(put, tmp_path):
    with pytest.raises(SpecError, match=r"^audit.toml: it is not valid TOML: .*\(at line 2, column 5\)\.$"):
        read_spec(put("a = 1\nb = \n"))
    with pytest.raises(SpecError) as raised:
        read_spec(put(b"name = '\xe9'"))
    assert str(raised.value) == "audit.toml: expected UTF-8, came byte 0xe9 at byte 8."
    with pytest.raises(SpecError) as raised:
        read_spec(tmp_path / "no.toml")
    assert str(raised.value) == (
        f"{tmp_path}/no.toml: there is no such file. `plumbline spec --example` prints one to start from."
    )
    with pytest.raises(SpecError) as raised:
        read_spec(tmp_path)
    assert str(raised.value) == f"{tmp_path}: expected a file, came a folder."


def test_equal_specs_have_equal_hashes_whatever_the_order_of_their_file(put):
    one = read_spec(put("seed = 1\ndepth = 1\n[outputs.x]\nthreshold = 1"))
    assert read_spec(put("outputs.x.threshold = 1.0\ndepth = 1\nseed = 1")).sha256() == one.sha256()
