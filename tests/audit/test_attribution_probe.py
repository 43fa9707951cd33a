"""The probe over small audits whose answer was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from attribution_models import NUMBER, YES_NO, FakeModel, constant, picture, smooth_pictures, word_sums
from builders import binary_predictions, build_examples
from PIL import Image

from audit.attribution.maps import SmallMap, read
from audit.attribution.probe import Attribution
from audit.core import Level, Reason, Status
from audit.executors import Serial
from audit.protocols import Context
from audit.spec import AttributionSpec, Spec

SMALL = AttributionSpec(
    examples=6, survey=40, fast=0, terms=40, samples=200, evaluations=80, colour="grey", superpixels="grid"
)


def context(payloads, column, model, cache, groups=None, scores=None, truth=None, root="."):
    n = len(payloads)
    examples = build_examples(n, groups)
    source = replace(examples.source, payloads=(column,), data_root=str(root))
    stored = pa.array(payloads, pa.string())
    scores = np.linspace(0, 1, n) if scores is None else scores
    return Context(
        examples=replace(examples, source=source, images=stored if column == "image" else None),
        predictions={"marked": binary_predictions(truth, scores, name="marked")},
        audited=np.ones(n, bool),
        spec=Spec(minimum_n=10, attribution=SMALL),
        seed=0,
        executor=Serial(),
        cache=cache,
        payloads=lambda name, rows: stored.take(pa.array(rows)).to_pylist(),
        model=model,
    )


def shortcut():
    """Reads a corner where it is bright, which is so in one group only, else the middle."""

    def score(batch):
        corner = np.array([p[:6, :6].mean() / 255 for p in batch])
        middle = np.array([p[12:20, 12:20].mean() / 255 for p in batch])
        return {"marked": np.where(corner > 0.9, 0.3 + corner / 2, 0) + middle * 0.3, "age": 50 * middle}

    return FakeModel("image", {"marked": YES_NO, "age": NUMBER}, score)


@pytest.fixture
def pictures(tmp_path):
    names, groups = [], []
    for i in range(60):
        given = picture(32, 32, i)
        if i % 2:
            given[:6, :6] = 255
        Image.fromarray(given).save(tmp_path / f"{i}.png")
        names.append(f"{i}.png")
        groups.append("ab"[i % 2])
    return context(
        names, "image", shortcut(), tmp_path / "cache", {"camera": groups}, root=tmp_path, truth=[0, 1] * 30
    )


def test_a_shortcut_of_one_group_is_found(pictures):
    section = Attribution().run(pictures)
    assert section.status is Status.OK
    worst = section.findings[0]
    assert worst.metric == "attribution_outside_centre"
    assert worst.output == "marked"
    assert worst.slice.key == "camera=b"
    assert worst.severity.level is Level.HIGH
    assert worst.gap.low > 0.1
    assert not any(found.slice.key == "camera=a" for found in section.findings)
    table = section.tables["background"].to_pylist()
    assert {row["output"] for row in table} == {"marked", "age"}
    assert table[0]["expected"] == pytest.approx(0.51)


def test_pictures_have_maps_and_trust_numbers(pictures):
    section = Attribution().run(pictures)
    rows = section.tables["explanations"].to_pylist()
    assert len(rows) == 6 * 2 * 2
    assert {row["method"] for row in rows} == {"lime", "shap"}
    assert {row["outcome"] for row in rows if row["output"] == "marked"} >= {"right", "borderline"}
    for row in rows:
        assert row["trusted"] == (row["doubts"] == "")
        assert (row["fit"] is None) == (row["method"] == "shap")
        assert row["passes"] <= row["samples"]
    bright = [row for row in section.tables["maps"].to_pylist() if row["output"] == "marked"]
    for row in bright:
        values = read(SmallMap(row["height"], row["width"], row["scale"], row["codes"]))
        assert values.shape == (32, 32)
        corner, middle = np.abs(values[:6, :6]).sum(), np.abs(values[12:20, 12:20]).sum()
        if row["method"] == "shap":
            assert (corner > middle) == (int(row["id"][1:]) % 2 == 1)
    maps = section.tables["group_maps"].to_pylist()
    assert {(row["attribute"], row["value"]) for row in maps} == {
        ("", "all"),
        ("camera", "a"),
        ("camera", "b"),
    }
    assert section.summary["examples"] == 6
    assert section.summary["survey"] == {"shap": 40}
    assert section.summary["own_method_missing"] == "the model offers no attributions of its own"


def test_the_same_audit_gives_the_same_section(pictures, tmp_path):
    first = Attribution().run(pictures)
    again = Attribution().run(replace(pictures, cache=tmp_path / "other"))
    assert first.findings == again.findings
    assert first.summary == again.summary
    for name, table in first.tables.items():
        assert table.equals(again.tables[name])


def test_what_was_explained_is_not_explained_again(pictures):
    Attribution().run(pictures)
    passes = pictures.model.seen
    Attribution().run(pictures)
    assert pictures.model.seen == passes


def test_a_damaged_cache_is_computed_anew(pictures):
    first = Attribution().run(pictures)
    for file in pictures.cache.glob("*.npz"):
        file.write_bytes(file.read_bytes()[:100])
    assert Attribution().run(pictures).findings == first.findings


def test_a_picture_that_can_t_be_read_is_counted(pictures, tmp_path):
    for i in range(60):
        if i % 3:
            (tmp_path / f"{i}.png").write_bytes(b"no picture")
    section = Attribution().run(pictures)
    assert section.summary["unreadable"] > 0
    assert section.summary["examples"] + section.summary["unreadable"] == 6


def harsh():
    """Every mention of Muslims costs, "awful" costs more."""

    def score(batch):
        words = [text.lower().split() for text in batch]
        toxic = [0.1 + 0.3 * ("muslim" in w) + 0.4 * ("awful" in w) for w in words]
        return {"marked": np.array(toxic), "other": np.full(len(batch), 0.5)}

    return FakeModel("text", {"marked": YES_NO, "other": YES_NO}, score)


@pytest.fixture
def texts(tmp_path):
    who = ["muslim", "christian", "tall"]
    made = [f"my {who[i % 3]} friend said {'awful' if i % 4 == 0 else 'nice'} thing {i}" for i in range(90)]
    return context(made, "text", harsh(), tmp_path / "cache", truth=[0, 1] * 45)


def test_an_identity_that_raises_the_score_is_found(texts):
    section = Attribution().run(texts)
    assert [(f.slice.key, f.output) for f in section.findings] == [("identity=muslim", "marked")]
    found = section.findings[0]
    assert found.value.value == pytest.approx(0.3)
    assert found.severity.level is Level.HIGH
    table = {(r["value"], r["output"], r["method"]): r for r in section.tables["identities"].to_pylist()}
    assert table["christian", "marked", "removal"]["mean"] == pytest.approx(0)
    assert table["muslim", "marked", "shap"]["mean"] == pytest.approx(0.3, abs=0.02)
    assert table["muslim", "other", "removal"]["mean"] == 0
    terms = section.tables["terms"].to_pylist()
    assert {row["attribute"] for row in terms} == {"term"}
    words = section.tables["words"].to_pylist()
    weights = {row["word"]: row["lime"] for row in words if row["output"] == "marked"}
    assert weights["muslim"] > 5 * abs(weights["friend"])


def test_texts_that_name_nobody(tmp_path):
    given = context([f"just a line {i}" for i in range(40)], "text", word_sums(), tmp_path)
    section = Attribution().run(given)
    assert section.findings == ()
    assert "identities" not in section.tables
    assert section.summary["identities"] == "no audited text names an identity"


@pytest.mark.parametrize(
    "text", ["", "one", "😀 👍", " ".join(f"w{i}" for i in range(300)), "a\n\n   b", "\u200b", "ß́"]
)
def test_odd_texts_have_a_defined_result(text, tmp_path):
    section = Attribution().run(context([text], "text", word_sums(), tmp_path))
    rows = section.tables["explanations"].to_pylist()
    assert rows
    if text == "":
        assert {row["doubts"] for row in rows} <= {"no_features", "flat"}


def test_a_constant_model_is_flat(tmp_path):
    section = Attribution().run(context(["a b c", "d e"], "text", constant("text"), tmp_path))
    assert {row["doubts"] for row in section.tables["explanations"].to_pylist()} == {"flat"}
    assert section.summary["trust"]["lime"]["flat"] == 2


def test_tiny_and_single_coloured_pictures(tmp_path):
    for name, given in {
        "a": picture(1, 1),
        "b": np.full((20, 20, 3), 7, np.uint8),
        "c": picture(3, 50),
    }.items():
        Image.fromarray(given).save(tmp_path / f"{name}.png")
    given = context(
        ["a.png", "b.png", "c.png"], "image", smooth_pictures(), tmp_path / "cache", root=tmp_path
    )
    section = Attribution().run(given)
    assert section.status is Status.OK
    assert section.summary["examples"] == 3


class Twin(FakeModel):
    """A model whose twin with random weights reads other words."""

    def __init__(self, seed=0):
        def score(batch):
            return {
                "marked": [
                    0.5 + 0.05 * sum(np.sin((seed + 1) * sum(map(ord, w))) for w in t.split()) for t in batch
                ]
            }

        super().__init__("text", {"marked": YES_NO}, score)

    def randomised(self, seed):
        return Twin(seed)

    def explain(self, batch, output, method):
        return [np.ones(len(spans)) for spans in self.spans(batch)]

    def spans(self, batch):
        from audit.attribution.words import cut

        return [list(cut(text).spans) for text in batch]


def test_the_check_with_random_weights_and_a_model_s_own_method(tmp_path):
    lines = [f"some words are {i} here and there today" for i in range(20)]
    section = Attribution().run(context(lines, "text", Twin(), tmp_path))
    checks = section.tables["checks"].to_pylist()
    assert {row["method"] for row in checks} == {"lime", "shap", "gradient_x_input"}
    assert section.summary["own_method"] == "gradient_x_input"
    assert section.summary["random_weights"] == "checked"
    rows = section.tables["explanations"].to_pylist()
    assert all(row["random_weights"] is not None for row in rows if row["method"] == "lime")
    assert {row["engine"] for row in rows if row["method"] == "gradient_x_input"} == {"model"}


@pytest.mark.parametrize("engine", ["plumbline", pytest.param("library", marks=pytest.mark.slow)])
def test_both_engines_find_the_same(texts, engine):
    given = replace(
        texts, spec=replace(texts.spec, attribution=replace(SMALL, engine=engine, examples=2, survey=3))
    )
    section = Attribution().run(given)
    assert {row["engine"] for row in section.tables["explanations"].to_pylist()} == {engine}
    assert [(f.slice.key, f.output) for f in section.findings] == [("identity=muslim", "marked")]


def test_where_it_does_not_apply(texts):
    assert Attribution().applies(texts) is None
    assert Attribution().applies(replace(texts, model=None)) is Reason.NEEDS_MODEL
    assert Attribution().applies(replace(texts, model=constant("image"))) is Reason.NEEDS_DATA
    nobody = replace(texts, audited=np.zeros(90, bool))
    assert Attribution().applies(nobody) is Reason.NO_ROWS
