"""Integrated gradients and Grad-CAM against their closed forms."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")
pytest.importorskip("torchvision", reason="needs the extra [models]")
pytest.importorskip("captum", reason="needs the extra [models]")

from attribution_models import picture  # noqa: E402
from torch import nn  # noqa: E402

from audit.core import Task, TaskKind  # noqa: E402
from audit.errors import InputError  # noqa: E402
from audit.protocols import Explains  # noqa: E402
from models.image_adapter import Conditions, ImageModel  # noqa: E402
from models.image_explain import GREY  # noqa: E402
from models.image_preprocessing import MEAN, STD  # noqa: E402
from models.mushrooms import MushroomsConfig, MushroomsNetwork  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Maps(nn.Module):
    """Two maps of one colour each, averaged and weighed: every attribution has a closed form."""

    size = 8
    tasks = {  # noqa: RUF012
        "sum": Task(kind=TaskKind.REGRESSION),
        "yes": Task(kind=TaskKind.BINARY, classes=("no", "yes")),
        "kind": Task(kind=TaskKind.MULTICLASS, classes=("a", "b", "c")),
    }

    def __init__(self):
        super().__init__()
        self.maps = nn.Conv2d(3, 2, 1, bias=False)
        with torch.no_grad():
            self.maps.weight[:] = torch.tensor([[1.0, 0, 0], [0, 0, 1.0]])[:, :, None, None]
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, images):
        red, blue = self.pool(self.maps(images))[:, :, 0, 0].T
        logit = 2 * red - 3 * blue
        return {"sum": logit, "yes": logit, "kind": torch.stack([red, blue, red * 0], 1)}

    def scores(self, raw):
        return {"sum": raw["sum"], "yes": torch.sigmoid(raw["yes"]), "kind": torch.softmax(raw["kind"], 1)}


@pytest.fixture
def maps():
    return ImageModel(Maps(), Conditions(threads=1, batch_size=2))


@pytest.mark.parametrize("output", ["sum", "yes"])
@pytest.mark.parametrize("shape", [(8, 8), (20, 13), (5, 6)])
def test_integrated_gradients_of_a_linear_model(maps, output, shape):
    given = [picture(*shape, seed) for seed in range(3)]
    found = maps.explain(given, output, "integrated_gradients")
    grey = np.full((8, 8, 3), GREY, np.uint8)
    for one, attribution in zip(given, found, strict=True):
        assert attribution.shape == shape
        network_sees = [maps.predict([p])["sum"][0] for p in (one, grey)]
        assert attribution.sum() == pytest.approx(network_sees[0] - network_sees[1], rel=1e-3, abs=1e-4)
    if shape == (8, 8):
        red, blue = ((given[0][..., c] - GREY) / (255 * STD[c]) / 64 for c in (0, 2))
        np.testing.assert_allclose(found[0], 2 * red - 3 * blue, atol=1e-5)


def test_grad_cam_of_a_linear_model(maps):
    given = picture(8, 8)
    (found,) = maps.explain([given], "sum", "grad_cam")
    red, blue = ((given[..., c] / 255 - MEAN[c]) / STD[c] for c in (0, 2))
    # each map is weighed by the mean gradient at its places: 2 / 64 and -3 / 64
    np.testing.assert_allclose(found, (2 * red - 3 * blue) / 64, atol=1e-5)


def test_gradients_of_a_linear_model(maps):
    (found,) = maps.explain([picture(8, 8)], "sum", "gradient")
    expected = np.hypot(2 / STD[0], 3 / STD[2]) / (255 * 64)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_one_class_or_the_predicted_one(maps):
    given = [picture(8, 8, seed) for seed in range(4)]
    predicted = maps.predict(given)["kind"].argmax(1)
    found = maps.explain(given, "kind", "grad_cam")
    for i, code in enumerate(predicted):
        name = f"kind/{Maps.tasks['kind'].classes[code]}"
        np.testing.assert_allclose(found[i], maps.explain([given[i]], name, "grad_cam")[0], atol=1e-7)


@pytest.mark.parametrize("backbone", ["squeezenet1_1", "mobilenet_v3_small", "resnet18"])
def test_networks_as_they_are(backbone):
    torch.manual_seed(0)
    network = MushroomsNetwork(MushroomsConfig(backbone=backbone, size=64, classes=("a", "b")))
    model = ImageModel(network, Conditions(threads=1))
    assert isinstance(model, Explains)
    given = [picture(64, 64), picture(50, 70)]
    for method in ("grad_cam", "integrated_gradients"):
        found = model.explain(given, "genus/a", method)
        assert [one.shape for one in found] == [(64, 64), (50, 70)]
        assert all(np.isfinite(one).all() for one in found)


def test_what_can_t_be_explained(maps):
    given = [picture(8, 8)]
    with pytest.raises(InputError, match="one of grad_cam, integrated_gradients, gradient; this is 'lrp'"):
        maps.explain(given, "sum", "lrp")
    with pytest.raises(InputError, match="this model has sum, yes, kind"):
        maps.explain(given, "age", "grad_cam")
    with pytest.raises(InputError, match="kind has a, b, c"):
        maps.explain(given, "kind/d", "grad_cam")


def test_a_network_without_a_last_map_says_so():
    torch.manual_seed(0)

    class Vision(nn.Module):
        """A transformer's order: one convolution first, then none."""

        size, tasks, scores = 8, Maps.tasks, Maps.scores

        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 2, 4, 4)
            self.many = nn.Sequential(*[nn.Linear(2, 2) for _ in range(60)])

        def forward(self, images):
            logit = self.many(self.first(images).flatten(2).mean(2))[:, 0]
            return {"sum": logit, "yes": logit, "kind": torch.stack([logit] * 3, 1)}

    with pytest.raises(InputError, match="ends without a map of places"):
        ImageModel(Vision(), Conditions(threads=1)).explain([picture(8, 8)], "sum", "grad_cam")
