import json
import os
import pickle

import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")
pytest.importorskip("safetensors", reason="needs the extra [models]")

from torch import nn  # noqa: E402

from audit.errors import InputError  # noqa: E402
from models import weights  # noqa: E402

pytestmark = pytest.mark.models


def state():
    return {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2], dtype=torch.int64)}


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_what_was_saved_is_loaded_from_folder_file_or_card(tmp_path):
    written = weights.save(tmp_path / "w", state(), {"model": "x", "thresholds": {"toxic": 0.3}})
    assert written == tmp_path / "w" / "model.safetensors"
    for path in (tmp_path / "w", written, written.with_suffix(".json")):
        got, card = weights.load(path)
        assert sorted(got) == ["a", "b"]
        assert all(torch.equal(got[name], value) for name, value in state().items())
        assert card["thresholds"] == {"toxic": 0.3}
        assert card["versions"]["torch"] == torch.__version__.split("+")[0]
        assert card["sha256"] == weights.sha256(written)


def test_a_named_file_has_its_card_beside_it(tmp_path):
    assert weights.save(tmp_path / "v2.safetensors", state(), {}) == tmp_path / "v2.safetensors"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["v2.json", "v2.safetensors"]


def test_saving_twice_gives_the_same_bytes(tmp_path):
    one, two = (weights.save(tmp_path / name, state(), {"model": "x"}) for name in ("1", "2"))
    assert one.read_bytes() == two.read_bytes()
    assert one.with_suffix(".json").read_bytes() == two.with_suffix(".json").read_bytes()


def test_tied_and_strided_tensors_are_stored(tmp_path):
    whole = torch.arange(12.0).reshape(3, 4)
    weights.save(tmp_path, {"x": whole, "tied": whole, "part": whole[:, 1]}, {})
    got, _ = weights.load(tmp_path)
    assert torch.equal(got["tied"], whole)
    assert got["part"].tolist() == [1.0, 5.0, 9.0]


@pytest.mark.parametrize("name", ["w.pt", "w.bin", "w.ckpt", "w.pkl", "model.safetensors"])
@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_a_pickle_is_refused_whatever_its_name_and_nothing_in_it_runs(tmp_path, name, writer):
    path, proof = tmp_path / name, tmp_path / "it ran"
    if writer == "pickle":
        path.write_bytes(pickle.dumps(Bomb(proof)))
    else:
        torch.save({"w": Bomb(proof)}, path)
    path.with_suffix(".json").write_text(json.dumps({"format": 1, "sha256": weights.sha256(path)}))
    with pytest.raises(InputError, match="is a pickle, and opening a pickle runs the code it holds"):
        weights.load(path)
    assert not proof.exists()
    pickle.loads(pickle.dumps(Bomb(proof)))
    assert proof.exists()  # the bomb is a real one


def test_a_folder_with_a_pickle_only_says_so(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    with pytest.raises(InputError, match=r"pytorch_model.bin: is a pickle"):
        weights.load(tmp_path)


def test_an_altered_file_is_noticed(tmp_path):
    path = weights.save(tmp_path, state(), {})
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="the card beside it says"):
        weights.load(tmp_path)


def test_a_damaged_file_is_said_to_be_one(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"not tensors at all")
    path.with_suffix(".json").write_text(json.dumps({"format": 1, "sha256": weights.sha256(path)}))
    with pytest.raises(InputError, match="is not a readable safetensors file"):
        weights.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[1]", r'a card has "format": 1; this one has \'list\''),
        ('{"format": 2}', r'a card has "format": 1; this one has 2'),
    ],
)
def test_a_card_that_is_none_is_refused(tmp_path, text, words):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(InputError, match=words):
        weights.read_card(tmp_path)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(
        InputError, match=r"no weights here: model.safetensors and model.json were looked for"
    ):
        weights.load(tmp_path)
    weights.save(tmp_path, state(), {})
    (tmp_path / "model.json").unlink()
    with pytest.raises(InputError, match=r"model.json: the card of model.safetensors is missing"):
        weights.load(tmp_path)


def test_a_card_holds_no_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        weights.save(tmp_path, state(), {"metric": float("nan")})
    assert not list(tmp_path.iterdir())


def test_weights_of_another_network_are_named_one_by_one():
    with pytest.raises(InputError) as caught:
        weights.load_into(nn.Linear(3, 2), {"weight": torch.zeros(2, 4), "scale": torch.zeros(1)}, "w")
    assert str(caught.value) == (
        "w: the weights do not fit the network; missing: bias; not known: scale; "
        "of another shape: weight (2, 4) for (2, 3)."
    )


def test_weights_that_fit_are_put_in():
    net = nn.Linear(2, 1)
    weights.load_into(net, {"weight": torch.tensor([[1.0, 2.0]]), "bias": torch.tensor([3.0])}, "w")
    assert net(torch.tensor([[1.0, 1.0]])).item() == 6.0
