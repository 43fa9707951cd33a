"""The probe finds planted leaks, counts them by split and group, and undoes what they did to the numbers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from audit.core import Attribute, Examples, Predictions, Reason, Source, Status, Task, TaskKind
from audit.executors import Serial
from audit.leakage.planted import KINDS, textured
from audit.leakage.probe import Leakage
from audit.leakage.similar import MOST_LISTED, similar_rows
from audit.protocols import Context
from audit.spec import Spec

TRAIN, VALIDATION, TEST = 0, 1, 2


def context(tmp_path, split, wrong, *, images=None, texts=None, group=None, truth=None, executor=None):
    n = split.size
    truth = np.arange(n) % 2 if truth is None else truth
    payloads = (("image",) if images else ()) + (("text",) if texts else ())
    names = [f"row{k}" for k in range(n)]
    attributes = {}
    if group is not None:
        attributes["group"] = Attribute(name="group", values=("a", "b"), codes=group.astype(np.int32))
    examples = Examples(
        ids=pa.array(names),
        split=split.astype(np.int8),
        attributes=attributes,
        identities={},
        clusters=None,
        images=pa.array(images) if images else None,
        source=Source(path="x.csv", sha256="", data_root=str(tmp_path), payloads=payloads),
    )
    predictions = Predictions(
        output="edible",
        task=Task(kind=TaskKind.BINARY, classes=("no", "yes")),
        rows=np.arange(n),
        truth=truth.astype(np.int8),
        scores=None,
        decision=np.where(wrong, 1 - truth, truth).astype(np.int8),
    )
    return Context(
        examples=examples,
        predictions={"edible": predictions},
        audited=split == TEST,
        spec=Spec(),
        seed=0,
        executor=executor or Serial(),
        cache=tmp_path / "cache",
        payloads=(lambda column, rows: [texts[r] for r in rows]) if texts else None,
    )


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    """80 training and 40 test pictures; 20 of the test ones are copies, 16 of these in group b."""
    folder = tmp_path_factory.mktemp("leaky")
    rng = np.random.default_rng(0)
    train = [textured(rng) for _ in range(80)]
    alter = list(KINDS.values())[:4]  # re-encoded, resized, cropped, brightened
    copies = [alter[k % 4](train[k], rng) if k % 5 else train[k] for k in range(20)]
    fresh = [textured(rng) for _ in range(20)]
    names = []
    for number, picture in enumerate(train + copies + fresh):
        names.append(f"{number:03}.png")
        picture.save(folder / names[-1])
    split = np.repeat([TRAIN, TEST], [80, 40])
    group = np.concatenate([np.arange(80) % 2, (np.arange(20) >= 4), np.arange(20) % 2])
    wrong = np.concatenate([np.zeros(100, bool), np.arange(20) % 2 == 0])
    return folder, names, split, group, wrong


def rows(table):
    return table.to_pylist()


def test_planted_leaks_are_found_and_undone(leaky, tmp_path):
    folder, names, split, group, wrong = leaky
    truth = np.arange(120) % 2
    truth[80:100] = truth[:20]
    truth[81] = 1 - truth[1]  # one copy with another label
    made = context(folder, split, wrong, images=names, group=group, truth=truth)
    section = Leakage().run(made)
    assert section.status is Status.OK
    assert section.summary["leaked"] == 20
    assert section.summary["clusters"] == 20
    assert section.summary["images"]["rejected"] == 0
    table = {(r["split"], r["copies_in"]): r for r in rows(section.tables["split_table"])}
    assert table["test", "train"]["rows_with_copy"] == 20
    assert table["train", "train"]["rows_with_copy"] == 0
    assert (table["test", "train"]["identical_pairs"], table["test", "train"]["near_pairs"]) == (4, 16)
    conflicts = {(r["what"], r["values"]): r for r in rows(section.tables["conflicts"])}
    assert conflicts["truth", "no | yes"]["ids"] == ["row1", "row81"]
    change = {(r["slice"], r["metric"]): r for r in rows(section.tables["inflation"])}["all", "error_rate"]
    assert (change["all"], change["clean"], change["inflation"]) == (0.25, 0.5, -0.25)
    dropped = [r for r in rows(section.tables["actions"]) if r["action"] == "drop"]
    assert [r["id"] for r in dropped] == [f"row{k}" for k in range(20)]
    assert all(r["split"] == "train" for r in dropped)
    assert dropped[0]["reason"] == "identical to row80 (test)"
    found = {(f.metric, f.slice.key): f for f in section.findings}
    assert found["leaked_share", "all"].value.value == 0.5
    assert found["leaked_share", "all"].severity.level.value == "high"
    assert found["leaked_share", "group=b"].value.value == pytest.approx(16 / 26)
    assert found["error_rate", "all"].gap.value == pytest.approx(0.25)
    assert found["error_rate", "all"].evidence[0] == "row80"
    assert {"pairs", "by_distance", "clusters", "planted", "by_group"} <= set(section.tables)


def test_threads_and_a_second_run_give_the_same(leaky, tmp_path):
    folder, names, split, group, wrong = leaky
    first = Leakage().run(context(folder, split, wrong, images=names, group=group))
    with ThreadPoolExecutor(2) as pool:
        again = Leakage().run(context(folder, split, wrong, images=names, group=group, executor=pool))
    assert first.findings == again.findings
    assert first.summary == again.summary
    assert all(first.tables[name].equals(again.tables[name]) for name in first.tables)


def test_missing_images_are_rows_not_errors(tmp_path):
    textured(np.random.default_rng(0)).save(tmp_path / "a.png")
    split = np.array([TRAIN, TEST, TEST])
    made = context(tmp_path, split, np.zeros(3, bool), images=["a.png", "missing.png", None])
    section = Leakage().run(made)
    reasons = {r["id"]: r["reason"] for r in rows(section.tables["rejected"])}
    assert reasons == {"row1": "no such file or directory", "row2": "not a regular file"}
    assert section.findings == ()


def test_texts_by_split(tmp_path):
    base = "this comment says something that nobody else would ever say about number"
    train = [f"{base} {k} and {k * 7} with {k * 11}" for k in range(30)]
    test = [
        train[0].upper(),
        train[1] + " indeed",
        *(f"a fresh remark on {k} things {k * k}" for k in range(28)),
    ]
    split = np.repeat([TRAIN, TEST], 30)
    wrong = np.arange(60) >= 45
    section = Leakage().run(context(tmp_path, split, wrong, texts=[*train, *test], group=np.arange(60) % 2))
    assert section.summary["texts"]["identical"] == 1
    assert section.summary["leaked"] >= 2
    kinds = {(r["a"], r["b"]): r["kind"] for r in rows(section.tables["pairs"])}
    assert kinds["row0", "row30"] == "identical text"
    assert kinds["row1", "row31"] == "near text"
    assert "by_distance" not in section.tables


def test_images_and_texts_together(leaky):
    folder, names, split, group, wrong = leaky
    texts = [f"text {k} {k * 3} {k * 5} {k * 7}" for k in range(120)]
    texts[119] = texts[79]
    section = Leakage().run(context(folder, split, wrong, images=names, texts=texts, group=group))
    assert section.summary["leaked"] == 21


def test_where_it_applies(tmp_path):
    split = np.array([TRAIN, TEST])
    assert Leakage().applies(context(tmp_path, split, np.zeros(2, bool))) is Reason.NEEDS_DATA
    assert Leakage().applies(context(tmp_path, split, np.zeros(2, bool), texts=["a", "b"])) is None


def test_without_training_rows_nothing_leaks(tmp_path):
    section = Leakage().run(
        context(tmp_path, np.array([TEST] * 3), np.zeros(3, bool), texts=["a b", "a b", "c"])
    )
    assert section.summary["training_rows"] == 0
    assert section.summary["leaked"] == 0
    assert section.summary["clusters"] == 1
    assert section.findings == ()


class Fake:
    """A model and a data set in one: its embedding of a payload is the payload."""

    def embed(self, batch):
        return np.array(batch, dtype=np.float32)

    def rows(self, split):
        if split == "train":
            yield "row0", [1.0, 0.0]
        if split == "test":
            yield "row1", [0.99, 0.01]
            yield "row2", [0.0, 1.0]
            yield "stranger", [1.0, 0.0]


def test_what_the_model_finds_alike_is_listed_apart(tmp_path):
    split = np.array([TRAIN, TEST, TEST])
    made = context(tmp_path, split, np.zeros(3, bool), texts=["one text", "another", "a third one"])
    section = Leakage().run(replace(made, model=Fake(), data=Fake()))
    (pair,) = rows(section.tables["pairs"])
    assert (pair["a"], pair["b"], pair["kind"], pair["confirmed"]) == ("row0", "row1", "similar", False)
    assert section.summary["leaked"] == 0


class Narrow(Fake):
    """Features that all point nearly the same way, as those of many networks do; two rows are equal."""

    n = 400

    def embed(self, batch):
        angle = np.where(np.array(batch) == 1, 0, np.array(batch)) * 2e-3  # cosine of neighbours: 1 - 2e-6
        return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)

    def rows(self, split):
        if split == "test":
            yield from ((f"row{k}", k) for k in range(self.n))


def test_where_nearly_all_look_alike_to_the_model_a_higher_cosine_is_asked(tmp_path):
    n = Narrow.n
    made = context(tmp_path, np.full(n, TEST), np.zeros(n, bool), texts=[f"t{k} u{k}" for k in range(n)])
    found = similar_rows(replace(made, model=Narrow(), data=Narrow()))
    angles = np.where(np.arange(n) == 1, 0, np.arange(n)) * 2e-3
    cosine = np.cos(np.subtract.outer(angles, angles))[np.triu_indices(n, 1)]
    assert (cosine >= 0.95).sum() > MOST_LISTED >= (cosine >= 0.98).sum()
    assert found.counts["threshold"] == 0.98
    assert found.counts["pairs"] == pytest.approx((cosine >= 0.98).sum(), abs=n)  # float32 at the edge


def test_a_model_that_finds_all_rows_alike_costs_no_other_finding(tmp_path):
    class Blind(Narrow):
        def embed(self, batch):
            return np.ones((len(batch), 2), np.float32)

    n = Narrow.n
    texts = [f"t{k} u{k}" for k in range(n - 1)] + ["t0 u0"]
    made = context(tmp_path, np.where(np.arange(n) < 9, TRAIN, TEST), np.zeros(n, bool), texts=texts)
    section = Leakage().run(replace(made, model=Blind(), data=Blind()))
    assert section.summary["leaked"] == 1
    assert "the model finds all alike" in section.summary["similar"]["why"]


def test_images_that_are_all_missing_are_said_to_be(tmp_path):
    split = np.array([TRAIN, TEST, TEST])
    made = context(tmp_path, split, np.zeros(3, bool), images=["a.jpg", "b.jpg", ""])
    section = Leakage().run(made)
    assert section.status is Status.NOT_APPLICABLE
    assert section.why == (
        "none of 3 image files can be used: no such file or directory (2), not a regular file (1)"
    )


def test_declared_clusters_and_copies_are_resampled_together(tmp_path):
    from audit.leakage.leaks import find_leaks
    from audit.leakage.texts import search_texts

    made = context(tmp_path, np.array([TEST] * 5), np.zeros(5, bool), texts=list("abcde"))
    examples = replace(made.examples, clusters=np.array([0, 1, 2, 2, 3], dtype=np.int32))
    copies = search_texts(["one", "one", "two", "three", "four"]).copies
    together = find_leaks(examples, made.audited, copies, None).together
    assert together[0] == together[1]
    assert together[2] == together[3]
    assert len(set(together.tolist())) == 3
