import io

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")

from PIL import Image  # noqa: E402

from audit import pictures  # noqa: E402
from audit.errors import InputError  # noqa: E402
from models import image_preprocessing as pre  # noqa: E402

pytestmark = pytest.mark.models


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_lossless_file_comes_back_as_it_was(tmp_path):
    picture = noise(5, 7)
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert np.array_equal(pre.decode(tmp_path / "a.png"), picture)


def test_a_picture_that_lies_on_its_side_is_set_upright(tmp_path):
    picture = noise(4, 6)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(pre.decode(tmp_path / "a.png"), np.rot90(picture, -1))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    Image.fromarray(noise(4, 4)).convert(mode).save(tmp_path / "a.tif")
    decoded = pre.decode(tmp_path / "a.tif")
    assert decoded.shape == (4, 4, 3)
    assert decoded.dtype == np.uint8


def test_what_is_no_picture_is_named(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"a\.jpg: can't be read as a picture \("):
        pre.decode(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"b\.jpg: there is no such file\."):
        pre.decode(tmp_path / "b.jpg")


def test_a_truncated_file_is_refused(tmp_path):
    whole = io.BytesIO()
    Image.fromarray(noise(64, 64)).save(whole, "JPEG")
    (tmp_path / "a.jpg").write_bytes(whole.getvalue()[:-400])
    with pytest.raises(InputError, match="can't be read as a picture"):
        pre.decode(tmp_path / "a.jpg")


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    Image.fromarray(noise(10, 20)).save(tmp_path / "a.png")
    monkeypatch.setattr(pictures, "MAX_PIXELS", 200)
    assert pre.decode(tmp_path / "a.png").shape == (10, 20, 3)
    monkeypatch.setattr(pictures, "MAX_PIXELS", 199)
    with pytest.raises(InputError, match="a picture of 20 x 10 pixels; at most 199 are read"):
        pre.decode(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x.jpg", "this is a str."),
        (np.zeros((3, 4, 3)), "this is a float64 array of shape (3, 4, 3)."),
        (np.zeros((3, 4), np.uint8), "this is a uint8 array of shape (3, 4)."),
        (np.zeros((3, 4, 4), np.uint8), "this is a uint8 array of shape (3, 4, 4)."),
    ],
)
def test_a_payload_of_another_kind_is_refused(value, words):
    with pytest.raises(InputError) as caught:
        pre.as_picture(value, "picture 2")
    assert str(caught.value) == f"picture 2: a picture is an (H, W, 3) uint8 array; {words}"


def test_an_empty_picture_is_refused():
    with pytest.raises(InputError, match="needs at least one pixel"):
        pre.as_picture(np.zeros((0, 4, 3), np.uint8))


@pytest.mark.parametrize(("height", "width", "size"), [(60, 60, 24), (31, 77, 24), (9, 20, 24)])
def test_resizing_agrees_with_pillow(height, width, size):
    picture = noise(height, width)
    ours = pre.resize(pre.single(picture), size)[0].permute(1, 2, 0).numpy()
    theirs = np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR), float)
    assert np.abs(ours - theirs).max() <= 1.01  # Pillow rounds to whole grey levels after each direction


def test_a_picture_of_the_right_size_is_not_touched():
    picture = noise(16, 16)
    pixels = pre.to_pixels([picture, picture], 16)
    assert pixels.shape == (2, 3, 16, 16)
    assert np.array_equal(pixels[1].permute(1, 2, 0).numpy(), picture.astype(np.float32))


def test_sizes_may_be_mixed():
    both = pre.to_pixels([noise(16, 16), noise(20, 9, 1)], 16)
    assert torch.equal(both[0], pre.to_pixels([noise(16, 16)], 16)[0])
    assert torch.equal(both[1], pre.to_pixels([noise(20, 9, 1)], 16)[0])


def test_normalising_agrees_with_torchvision():
    v2 = pytest.importorskip("torchvision.transforms.v2")
    pixels = pre.to_pixels([noise(8, 8)], 8)
    theirs = v2.Normalize(pre.MEAN, pre.STD)(pixels / 255)
    torch.testing.assert_close(pre.normalise(pixels), theirs)
