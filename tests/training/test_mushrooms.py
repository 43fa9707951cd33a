import argparse
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")
pytest.importorskip("lightning", reason="needs the extra [models]")
pytest.importorskip("torchvision", reason="needs the extra [models]")

from PIL import Image  # noqa: E402
from tiny_pictures import make_mushrooms  # noqa: E402

from audit.errors import InputError  # noqa: E402
from audit.inputs.load import load as read_predictions  # noqa: E402
from audit.spec import Spec  # noqa: E402
from models import mushrooms as model  # noqa: E402
from models.mushrooms import MushroomsConfig, MushroomsNetwork  # noqa: E402
from training import mushrooms  # noqa: E402
from training.data.mushrooms import read_mushrooms  # noqa: E402
from training.data.splits import TRAIN  # noqa: E402
from training.image_copies import first_of_each, with_singles  # noqa: E402
from training.image_data import prepare  # noqa: E402
from training.images import augmentation, class_weights, data_sha256, decode_all  # noqa: E402
from training.predictions import predictions  # noqa: E402

pytestmark = pytest.mark.models
SMALL = ["--backbone", "shufflenet_v2_x0_5", "--size", "32", "--batch-size", "14", "--augment", "none"]
FAST = ["--learning-rate", "0.01", "--backbone-rate", "1", "--weight-decay", "0", "--dropout", "0"]


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_mushrooms(tmp_path_factory.mktemp("mushrooms") / "data")


def parsed(*words):
    parser = argparse.ArgumentParser()
    mushrooms.add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def test_small_pictures_are_learned_saved_and_predicted(data, tmp_path):
    out = tmp_path / "w"
    words = ["--data", data, "--weights-out", out, "--epochs", 12, "--patience", 0, "--output", "colour"]
    assert mushrooms.run(parsed(*words, *SMALL, *FAST)) == 0
    card = json.loads((out / "model.json").read_text())
    assert (card["model"], card["classes"]) == ("mushrooms", ["Blue", "Green", "Red"])
    assert card["metrics"]["validation"]["accuracy"] >= 0.9  # chance is one in three

    table = predictions(model.load(out), read_mushrooms(data).data, beside=tmp_path, workers=1)
    names = ["Blue", "Green", "Red"]
    scores = np.stack([np.array(table[f"score.colour.{name}"]) for name in names], 1)
    np.testing.assert_allclose(scores.sum(1), 1, rtol=1e-6)
    said = [names[code] for code in scores.argmax(1)]
    assert np.mean([a == b for a, b in zip(said, table["true.colour"].to_pylist(), strict=True)]) >= 0.9
    pq.write_table(table, tmp_path / "p.parquet")
    loaded = read_predictions(tmp_path / "p.parquet", Spec())
    assert loaded.predictions["colour"].task.classes == ("Blue", "Green", "Red")


def test_frozen_then_free(data, tmp_path):
    torch.manual_seed(0)
    words = ["--data", data, "--weights-out", tmp_path / "w", "--epochs", 1, *SMALL]
    begun = MushroomsNetwork(
        MushroomsConfig(classes=("Blue", "Green", "Red"), backbone="shufflenet_v2_x0_5", size=32)
    )
    model.save(tmp_path / "begun", begun, {})
    start = {k: v.clone() for k, v in begun.backbone.state_dict().items()}
    words += ["--backbone-weights", tmp_path / "begun"]
    kept = mushrooms.train(parsed(*words, "--frozen")).network.backbone.state_dict()
    assert all(torch.equal(start[key], kept[key]) for key in start)
    free = mushrooms.train(parsed(*words, "--freeze-epochs", 2))
    moved = free.network.backbone.state_dict()
    assert not torch.equal(start["network.conv1.0.weight"], moved["network.conv1.0.weight"])
    assert [len(result.history) for result in free.results] == [2, 1]
    assert not any(not p.requires_grad for p in free.network.parameters())


def test_class_weights_make_every_class_weigh_the_same():
    codes = np.array([0, 0, 0, 1, 3, 3])
    weights = class_weights(codes, 4)
    totals = [float(weights[code]) * (codes == code).sum() for code in (0, 1, 3)]
    np.testing.assert_allclose(totals, 2.0, rtol=1e-6)
    assert weights[2] == 0
    assert float(weights[torch.tensor(codes)].mean()) == pytest.approx(1.0)


def test_the_loss_is_weighted_and_smoothed():
    network = MushroomsNetwork(
        MushroomsConfig(classes=("a", "b"), backbone="shufflenet_v2_x0_5", size=32, dropout=0)
    )
    network.eval()
    batch = {"image": torch.zeros(3, 3, 32, 32), "label": torch.tensor([0, 0, 1])}
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(torch.tensor([np.log(3.0), 0.0]))  # probabilities 3/4 and 1/4
    args = argparse.Namespace(no_class_weights=False, label_smoothing=0.0)
    loss = mushrooms.smoothed_loss(np.array([0, 0, 1]), 2, args)(network, batch).detach()
    assert float(loss) == pytest.approx(
        -(np.log(0.75) + np.log(0.25)) / 2, rel=1e-5
    )  # each class weighs a half
    args = argparse.Namespace(no_class_weights=True, label_smoothing=0.2)
    loss = mushrooms.smoothed_loss(np.array([0, 0, 1]), 2, args)(network, batch).detach()
    true = (2 * np.log(0.75) + np.log(0.25)) / 3
    spread = (np.log(0.75) + np.log(0.25)) / 2
    assert float(loss) == pytest.approx(-(0.8 * true + 0.2 * spread), rel=1e-5)


def test_copies_train_once_and_never_beside_their_original(tmp_path):
    data = make_mushrooms(tmp_path / "d", 45)
    for i in range(0, 45, 3):  # every Blue picture a second time: the same bytes, another name
        source = data / "Blue" / f"{i:03d}.png"
        (data / "Blue" / f"copy{i:03d}.png").write_bytes(source.read_bytes())
    Image.open(data / "Green" / "001.png").save(
        data / "Green" / "again.webp", quality=90
    )  # and one re-encoded
    lines = []
    found = prepare("mushrooms", parsed("--data", data, "--seed", 1), lines.append)
    names = found.data.paths.to_pylist()
    for split in (0, 1, 2):
        here = {names[row].split("/")[1].replace("copy", "") for row in found.rows(split)}
        others = {
            names[r].split("/")[1].replace("copy", "") for s in (0, 1, 2) if s != split for r in found.rows(s)
        }
        assert not here & others
    training = [names[row].replace("copy", "") for row in found.rows(TRAIN)]
    assert len(training) == len(set(training))
    assert found.facts["copies_left_out"] >= 8
    assert any("copies stop outnumbering look-alikes" in line for line in lines)
    kept = prepare("mushrooms", parsed("--data", data, "--seed", 1, "--keep-copies"), lines.append)
    assert kept.data.n == 45 + 15 + 1


def test_the_first_of_each_cluster_is_kept_whatever_the_order():
    clusters, ids = np.array([0, 1, 0, 2, 1], np.int32), ["b", "d", "a", "e", "c"]
    keep = first_of_each(clusters, ids)
    assert {ids[i] for i in np.flatnonzero(keep)} == {"a", "c", "e"}
    order = [4, 2, 0, 3, 1]
    again = first_of_each(clusters[order], [ids[i] for i in order])
    assert {ids[order[i]] for i in np.flatnonzero(again)} == {"a", "c", "e"}
    assert first_of_each(np.zeros(0, np.int32), []).shape == (0,)
    assert with_singles(np.array([-1, 0, 0, -1], np.int32)).tolist() == [1, 0, 0, 2]


def test_the_hash_of_the_data_depends_on_content_and_labels_and_not_on_order():
    paths, contents = ["a", "b"], ["1", "2"]
    whole = data_sha256(paths, contents, {"label": ["x", "y"]})
    assert data_sha256(["b", "a"], ["2", "1"], {"label": ["y", "x"]}) == whole
    assert data_sha256(paths, contents, {"label": ["x", "z"]}) != whole
    assert data_sha256(paths, ["1", "3"], {"label": ["x", "y"]}) != whole


def test_pictures_too_many_for_the_memory_are_decoded_when_asked(data):
    paths = sorted(data.rglob("*.png"))[:4]
    decoded = decode_all(paths, 24)
    assert np.array_equal(decoded[2].permute(1, 2, 0), np.asarray(Image.open(paths[2])))
    assert decode_all(paths, 24, limit=4 * 3 * 24 * 24 - 1) is None


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_augmentation_keeps_shape_and_type_and_depends_on_the_seed(strength):
    image = torch.randint(0, 256, (3, 24, 24), dtype=torch.uint8)
    change = augmentation(strength, 24)
    torch.manual_seed(0)
    first, second = change(image), change(image)
    torch.manual_seed(0)
    assert torch.equal(change(image), first)
    assert not torch.equal(first, second)
    assert first.shape == image.shape
    assert first.dtype == torch.uint8


def test_augmentation_by_an_unknown_word_is_refused():
    assert augmentation("none", 24) is None
    with pytest.raises(InputError, match="one of none, light, strong was expected; got 'wild'"):
        augmentation("wild", 24)


def test_an_output_with_a_dot_is_refused(data, tmp_path):
    with pytest.raises(InputError, match="a name without a dot was expected; got 'a.b'"):
        mushrooms.train(parsed("--data", data, "--weights-out", tmp_path, "--output", "a.b", *SMALL))
    with pytest.raises(InputError, match="a folder for the weights was expected"):
        mushrooms.train(parsed("--data", data, *SMALL))
