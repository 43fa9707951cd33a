import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")
pytest.importorskip("torchvision", reason="needs the extra [models]")

from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from audit import protocols  # noqa: E402
from audit.core import Task, TaskKind  # noqa: E402
from audit.errors import InputError, PlumblineError  # noqa: E402
from models.faces import FacesConfig, FacesNetwork  # noqa: E402
from models.image_adapter import Conditions, ImageModel  # noqa: E402
from models.image_preprocessing import STD, normalise, resize, single  # noqa: E402

pytestmark = pytest.mark.models
SIZE = 4


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Brightness(nn.Module):
    """Logit = weight * mean of the red channel: every answer and gradient has a closed form."""

    size = SIZE
    tasks = {"bright": Task(kind=TaskKind.BINARY, classes=("no", "yes"))}  # noqa: RUF012

    def __init__(self, weight=2.0, most=64):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))
        self.most, self.batches = most, []

    def features(self, images):
        return images.mean((2, 3))

    def forward(self, images):
        self.batches.append(len(images))
        if len(images) > self.most:
            raise MemoryError
        return {"bright": self.weight * images[:, 0].mean((1, 2))}

    def scores(self, raw):
        return {"bright": torch.sigmoid(raw["bright"])}

    def row_loss(self, raw, output, target):
        return functional.binary_cross_entropy_with_logits(raw[output], target.float(), reduction="none")

    def randomised(self, seed):
        return Brightness(float(seed))


def grey(value, height=SIZE, width=SIZE):
    return np.full((height, width, 3), value, np.uint8)


def logit(value, weight=2.0):
    return weight * (value / 255 - 0.485) / STD[0]


def noise(count, side, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (side, side, 3), dtype=np.uint8) for _ in range(count)]


def test_the_adapter_offers_what_the_protocols_ask_for():
    model = ImageModel(Brightness())
    for protocol in (
        protocols.Model,
        protocols.Differentiable,
        protocols.Embeds,
        protocols.Randomisable,
        protocols.Tunable,
    ):
        assert isinstance(model, protocol)
    assert model.payload == "image"


def test_scores_have_their_closed_form():
    scores = ImageModel(Brightness()).predict([grey(0), grey(124), grey(255)])["bright"]
    expected = [1 / (1 + math.exp(-logit(value))) for value in (0, 124, 255)]
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    assert scores.dtype == np.float64


def test_a_constant_picture_of_another_size_scores_the_same():
    model = ImageModel(Brightness())
    one = model.predict([grey(99)])["bright"]
    np.testing.assert_allclose(model.predict([grey(99, 9, 5)])["bright"], one, rtol=1e-6)


def test_the_gradient_has_its_closed_form_on_the_scale_of_0_to_255():
    value, target = 140, 1
    (found,) = ImageModel(Brightness()).gradient([grey(value)], "bright", np.array([target]))
    p = 1 / (1 + math.exp(-logit(value)))
    expected = (p - target) * 2.0 / (255 * STD[0]) / SIZE**2
    np.testing.assert_allclose(found[..., 0], expected, rtol=1e-4)
    assert not found[..., 1:].any()


@pytest.mark.parametrize(("height", "width"), [(9, 5), (3, 4), (31, 17)])
def test_resizing_keeps_the_sum_of_the_gradient(height, width):
    # a brighter picture is brighter at every size: pixels of any grid share the same total
    (found,) = ImageModel(Brightness()).gradient([grey(140, height, width)], "bright", np.array([0]))
    assert found.shape == (height, width, 3)
    p = 1 / (1 + math.exp(-logit(140)))
    np.testing.assert_allclose(found.sum(), p * 2.0 / (255 * STD[0]), rtol=1e-4)


def test_a_target_one_below_the_prediction_gives_the_gradient_of_the_prediction():
    torch.manual_seed(0)
    model = ImageModel(FacesNetwork(FacesConfig(backbone="squeezenet1_1", size=32)))
    picture = noise(1, 40)[0]
    (slope,) = model.gradient([picture], "age", model.predict([picture])["age"] - 1)
    model.network.double()
    pixels, way = single(picture).double(), torch.from_numpy(np.sign(slope)).permute(2, 0, 1)[None]

    def age(step):
        with torch.no_grad():
            raw = model.network(normalise(resize(pixels + step * way, 32)))
        return float(model.network.scores(raw)["age"])

    np.testing.assert_allclose((age(1e-4) - age(-1e-4)) / 2e-4, np.abs(slope).sum(), rtol=1e-3)


def test_batches_of_1_and_64_agree_to_1e_5():
    torch.manual_seed(1)
    network = FacesNetwork(FacesConfig(backbone="resnet18", size=48))
    pictures = noise(64, 48)
    together = ImageModel(network).measured(pictures)
    single = ImageModel(network, Conditions(batch_size=1)).measured(pictures)
    for name, values in together.items():
        np.testing.assert_allclose(single[name], values, rtol=1e-5, atol=1e-5, err_msg=name)


def test_each_gradient_is_its_own_picture_s():
    model = ImageModel(FacesNetwork(FacesConfig(backbone="squeezenet1_1", size=32)))
    pictures, target = noise(3, 32), np.array([1, 0, 1])
    together = model.gradient(pictures, "gender", target)
    for i in range(3):
        (alone,) = model.gradient([pictures[i]], "gender", target[i : i + 1])
        np.testing.assert_allclose(together[i], alone, rtol=1e-3, atol=1e-7)


def test_batches_halve_where_memory_runs_out_and_stay_halved():
    network = Brightness(most=3)
    model = ImageModel(network, Conditions(batch_size=10))
    pictures = [grey(value) for value in range(0, 200, 10)]
    scores = model.predict(pictures)["bright"]
    np.testing.assert_allclose(scores, ImageModel(Brightness()).predict(pictures)["bright"])
    assert network.batches[:3] == [10, 5, 2]
    assert model.batch_size == 2
    model.predict(pictures[:2])
    assert network.batches[-1] == 2


def test_no_memory_for_one_picture_is_an_error_for_people():
    with pytest.raises(PlumblineError, match="not enough memory to score one picture"):
        ImageModel(Brightness(most=0)).predict([grey(1)])


def test_another_fault_is_not_taken_for_lack_of_memory():
    network = Brightness()
    network.forward = lambda images: images.view(-1, 7)
    model = ImageModel(network)
    with pytest.raises(RuntimeError, match="invalid for input"):
        model.predict([grey(1)])
    assert model.batch_size == 64


@pytest.mark.parametrize("workers", [0, 2])
def test_files_score_as_their_pictures_do(tmp_path, workers):
    model = ImageModel(FacesNetwork(FacesConfig(backbone="squeezenet1_1", size=32)), Conditions(batch_size=2))
    pictures, paths = noise(5, 40), []
    for i, picture in enumerate(pictures):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(picture).save(paths[-1])
    found, expected = model.predict_files(paths, workers), model.measured(pictures)
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6)


def test_a_file_that_is_no_picture_is_named_also_from_a_worker(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"a\.png: can't be read as a picture"):
        ImageModel(Brightness()).predict_files([tmp_path / "a.png"], workers=1)


def test_nothing_comes_to_nothing(tmp_path):
    model = ImageModel(FacesNetwork(FacesConfig(backbone="squeezenet1_1", size=32)))
    assert {name: values.shape for name, values in model.predict([]).items()} == {"age": (0,), "gender": (0,)}
    assert model.embed([]).shape == (0, 512)
    assert model.predict_files([])["age"].shape == (0,)
    assert model.gradient([], "age", np.zeros(0)) == []


def test_embeddings_are_what_the_last_layers_read():
    model = ImageModel(Brightness())
    red = (np.array([10, 200]) / 255 - 0.485) / STD[0]
    found = model.embed([grey(10), grey(200)])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, 0], red, rtol=1e-5)


def test_random_weights_come_from_the_seed_alone():
    torch.manual_seed(5)
    model = ImageModel(FacesNetwork(FacesConfig(backbone="squeezenet1_1", size=32)))
    state = torch.random.get_rng_state()
    pictures = noise(2, 32)
    first, again, other = (model.randomised(seed).predict(pictures)["age"] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)
    assert not np.allclose(first, model.predict(pictures)["age"])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_working_conditions_change_speed_and_not_the_answer():
    torch.manual_seed(0)
    model = ImageModel(FacesNetwork(FacesConfig(backbone="squeezenet1_1", size=32)))
    pictures = noise(4, 32)
    exact = model.predict(pictures)["age"]
    other = model.configured(threads=2, precision="bf16", compile=False)
    rounded = other.predict(pictures)["age"]
    assert torch.get_num_threads() == 1  # as before
    assert not np.array_equal(exact, rounded)
    np.testing.assert_allclose(rounded, exact, atol=1.0)
    assert other.network is model.network
    with pytest.raises(InputError, match="one of fp32, bf16; this is 'fp8'"):
        model.configured(threads=1, precision="fp8", compile=False)


def test_an_output_that_the_model_has_not_is_refused():
    with pytest.raises(InputError, match="output 'age': this model has bright"):
        ImageModel(Brightness()).gradient([grey(1)], "age", np.array([1]))
    with pytest.raises(InputError, match="picture 1: a picture is an"):
        ImageModel(Brightness()).predict([grey(1), "x"])
