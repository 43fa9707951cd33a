"""Synthesised data: planted faults are where planted.csv says, twins have none, and seeds repeat."""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from audit.core import SPLITS
from audit.errors import InputError
from training.data import synthesis_comments, synthesis_faces, synthesis_mushrooms
from training.data.faults import FAULTS, faults_of, read_planted
from training.data.grammar import IDENTITIES
from training.data.loading import load
from training.data.portraits import LIGHTER, MONK_TONES, hex_colour, luminance, marked
from training.data.records import LABELS

MAKERS = {
    "faces": synthesis_faces.make,
    "comments": synthesis_comments.make,
    "mushrooms": synthesis_mushrooms.make,
}
SIZES = {"faces": 400, "comments": 6000, "mushrooms": 400}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    @cache
    def build(kind, faulty):
        folder = tmp_path_factory.mktemp(f"{kind}{faulty:d}")
        result = MAKERS[kind](folder, SIZES[kind], 3, None if faulty else frozenset())
        return result, load(kind, folder, workers=0)

    return build


def at(loaded):
    return {ident: row for row, ident in enumerate(loaded.data.ids.to_pylist())}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("faulty", [False, True])
def test_readers_take_every_row_and_the_answer_sheet_reads_back(made, kind, faulty):
    result, loaded = made(kind, faulty)
    assert loaded.refused == 0
    assert loaded.data.n == result.rows == SIZES[kind]
    assert np.bincount(loaded.data.split).tolist() == [SIZES[kind] * s // 20 for s in (12, 3, 5)]
    assert tuple(read_planted(result.folder)) == result.planted
    assert {p.fault for p in result.planted} == (faults_of(kind) if faulty else set())
    assert {p.id for p in result.planted} <= set(at(loaded))


@pytest.mark.parametrize("kind", MAKERS)
def test_copies_are_found_by_hash_and_the_twin_has_none(made, kind):
    result, loaded = made(kind, True)
    rows = at(loaded)
    copies = [p for p in result.planted if p.fault.endswith("_copies")]
    share = next(f.strength for f in FAULTS.values() if f.name.endswith("_copies") and f.kind == kind)
    assert len(copies) == round(share * SIZES[kind] / 4)
    for one in copies:
        assert one.split == SPLITS[loaded.data.split[rows[one.id]]] == "test"
        assert SPLITS[loaded.data.split[rows[one.of]]] == "train"
    if kind != "comments":  # an edited letter escapes an exact hash: those are the leakage probe's
        found = [loaded.clusters[rows[one.id]] == loaded.clusters[rows[one.of]] for one in copies]
        assert np.mean(found) >= 0.9
    _, twin = made(kind, False)
    sizes = np.bincount(twin.clusters)
    assert (sizes > 1).sum() <= SIZES[kind] / 500


def test_the_twin_shows_the_same_people(made):
    (result, faulty), (_, twin) = made("faces", True), made("faces", False)
    touched = {p.id for p in result.planted}
    untouched = [i for i in twin.data.ids.to_pylist() if i not in touched]
    assert len(untouched) > SIZES["faces"] / 2
    one, other = at(faulty), at(twin)
    same = [faulty.facts.sha256[one[i]] == twin.facts.sha256[other[i]] for i in untouched]
    assert all(same)


def test_dark_tones_have_fewer_examples_and_less_contrast(made):
    def figures(loaded):
        dark = loaded.data.attributes["tone_band"].codes == 2
        train = loaded.data.split == 0
        return (dark & train).sum(), dark[~train].mean(), loaded.facts.contrast[dark].mean()

    few, held, faded = figures(made("faces", True)[1])
    full, twin_held, clear = figures(made("faces", False)[1])
    assert few == pytest.approx(FAULTS["few_examples"].strength * full, abs=3 * np.sqrt(0.16 * full))
    assert held == pytest.approx(twin_held, abs=0.05)
    assert faded < 0.5 * clear


def test_marks_stand_out_alike_on_every_tone():
    gaps = np.array([luminance(marked(hex_colour(t), 46)) - luminance(hex_colour(t)) for t in MONK_TONES])
    np.testing.assert_allclose(gaps[:6], -46, atol=1.5)
    np.testing.assert_allclose(gaps[6:], 46 * LIGHTER, atol=1.5)


def test_one_term_is_tied_to_toxicity_in_train_alone(made):
    def gap(loaded, split):
        data = loaded.data
        rows = (data.split == split) & (data.labels[:, 0] >= 0)
        member = data.identities["gay"] > 0.5
        return data.labels[rows & member, 0].mean() - data.labels[rows & ~member, 0].mean()

    _, faulty = made("comments", True)
    _, twin = made("comments", False)
    assert gap(faulty, 0) > 0.3
    assert abs(gap(faulty, 2)) < 0.15
    assert abs(gap(twin, 0)) < 0.1


def test_a_linear_model_learns_the_labels_and_the_tie(made):
    rates = {}
    for faulty in (True, False):
        data = made("comments", faulty)[1].data
        text = np.array(data.text.to_pylist(), dtype=object)
        words = CountVectorizer(binary=True, min_df=2)
        train, test = data.split == 0, data.split == 2
        model = LogisticRegression(C=0.5, max_iter=200).fit(
            words.fit_transform(text[train]), data.labels[train, 0]
        )
        score, truth = model.predict_proba(words.transform(text[test]))[:, 1], data.labels[test, 0]
        assert 0.85 < roc_auc_score(truth, score) < 0.995
        for name in IDENTITIES:
            harmless = (truth == 0) & (data.identities[name][test] > 0.5)
            rates[name, faulty] = (score[harmless] >= 0.5).mean()
    others = [rates[name, True] for name in IDENTITIES if name != "gay"]
    assert rates["gay", True] > max(others) + 0.1
    assert rates["gay", False] < 0.1


def test_labels_follow_what_was_drawn():
    nothing = synthesis_comments.recorded([], 0.5)
    assert nothing == [0] * 6
    assert synthesis_comments.recorded([], 0.001) == [1, 0, 0, 0, 0, 0]
    assert synthesis_comments.recorded(["insult"], 0.001) == [0] * 6
    severe = synthesis_comments.recorded(["insult", "obscene", "threat"], 0.5)
    assert dict(zip(LABELS, severe, strict=True)) == {**dict.fromkeys(LABELS, 1), "identity_hate": 0}


def test_the_woven_ground_tells_the_genus_in_train_and_not_in_the_test(made):
    result, loaded = made("mushrooms", True)
    woven = [p for p in result.planted if p.fault == "texture_shortcut"]
    ground, label = loaded.data.attributes["ground"], loaded.data.label
    on = ground.codes == ground.values.index("woven")
    genus = label.codes == label.values.index("Armillaria")
    train, test = loaded.data.split == 0, loaded.data.split == 2
    assert on[train & genus].mean() > 0.85
    assert on[train & ~genus].mean() < 0.05  # wrong labels among them
    assert 0.15 < on[test & genus].mean() < 0.5
    assert 0.15 < on[test & ~genus].mean() < 0.5
    assert not any(p.split == "test" for p in woven)
    row = at(loaded)[next(p.id for p in woven if p.split == "train")]
    pixels = np.asarray(Image.open(result.folder / loaded.data.paths[row].as_py()).convert("L"), dtype=float)
    power = np.abs(np.fft.fft2(pixels - pixels.mean()))
    spike = power[9:12, 9:12].max()  # 80 pixels, a thread every 8: the 10th wave in both directions
    assert spike > 10 * np.median(power)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_seed_repeats_and_another_differs(tmp_path, kind):
    def digest(folder, seed):
        MAKERS[kind](folder, 20, seed)
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        return hashlib.sha256(b"".join(p.name.encode() + p.read_bytes() for p in files)).hexdigest()

    first = digest(tmp_path / "a", 1)
    assert digest(tmp_path / "b", 1) == first
    assert digest(tmp_path / "a", 2) != first
    assert digest(tmp_path / "a", 1) == first  # nothing of the other seed is left behind


def test_a_fault_of_another_name_is_refused(tmp_path):
    with pytest.raises(
        InputError, match="faults of faces: 'comment_copies' is none of face_copies, few_examples, low_"
    ):
        synthesis_faces.make(tmp_path, 5, 0, {"comment_copies"})


def test_the_manual_lists_every_fault():
    text = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
    for name, fault in FAULTS.items():
        line = next(row for row in text.splitlines() if row.startswith(f"| `{name}` | {fault.kind} "))
        percent = f"{fault.strength:.0%}".replace("%", " %")
        assert percent in line or fault.strength == 0.5
