"""Masked versions composed as tensors against the same versions as pictures."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")
pytest.importorskip("torchvision", reason="needs the extra [models]")

from attribution_models import picture  # noqa: E402

from audit.attribution.hiding import boxed, hidden, masked  # noqa: E402
from audit.attribution.sampling import picture_masks  # noqa: E402
from audit.attribution.segments import grid  # noqa: E402
from audit.protocols import Perturbable  # noqa: E402
from models.faces import FacesConfig, FacesNetwork  # noqa: E402
from models.image_adapter import Conditions, ImageModel  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    network = FacesNetwork(FacesConfig(size=64))
    return ImageModel(network, Conditions(threads=1, batch_size=16))


SHAPES = [(64, 64), (64, 90), (150, 131), (40, 33), (1, 1), (3, 200)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("wanted", [12, 400])
def test_superpixels_as_pictures(model, shape, wanted):
    given = picture(*shape)
    labels = grid(*shape, wanted)
    fill = hidden(given, "mean", labels)
    masks = picture_masks(20, int(labels.max()) + 1, 1)
    mine = model.predict_masked(given, fill, labels, masks)
    theirs = model.predict(list(masked(given, fill, labels, masks)))
    assert isinstance(model, Perturbable)
    assert set(mine) == set(theirs)
    for output in theirs:
        np.testing.assert_allclose(mine[output], theirs[output], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_boxes_as_pictures(model, shape):
    given = picture(*shape)
    fill = hidden(given, "blur")
    height, width = shape
    boxes = np.array(
        [
            [0, height, 0, width],
            [0, height // 2, 0, width],
            [height // 2, height, 0, width // 3],
            [height // 2, height, width // 3, width],
        ]
    )
    masks = np.array(
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0], [0, 1, 1, 1]], bool
    )
    mine = model.predict_boxed(given, fill, boxes, masks)
    theirs = model.predict(list(boxed(given, fill, boxes, masks)))
    for output in theirs:
        np.testing.assert_allclose(mine[output], theirs[output], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mine["age"][[0, 5]], model.predict([given])["age"][0], rtol=1e-5)
