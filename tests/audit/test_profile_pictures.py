"""Sizes and light of picture files: known pictures, files that are none, and the luminance's own formula."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from audit.profile.pictures import luminance, measure, measure_all


def save(path, pixels, mode=None):
    Image.fromarray(pixels, mode).save(path)
    return str(path)


def test_a_picture_of_known_light_and_size(tmp_path):
    half = np.zeros((30, 80, 3), dtype=np.uint8)
    half[:, 40:] = 255
    path = save(tmp_path / "half.png", half)
    problem, width, height, brightness, contrast, size = measure(path)
    assert (problem, width, height, brightness, contrast) == ("", 80, 30, 0.5, 0.5)
    assert size == (tmp_path / "half.png").stat().st_size


def test_luminance_weighs_colours_as_bt601_does():
    rgb = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    expected = rgb @ np.array([0.299, 0.587, 0.114])
    mean, sd = luminance(Image.fromarray(rgb))
    assert mean == pytest.approx(expected.mean() / 255, abs=0.003)
    assert sd == pytest.approx(expected.std() / 255, abs=0.003)
    palette = Image.fromarray(rgb).quantize(256)
    assert luminance(palette)[0] == pytest.approx(mean, abs=0.02)


def test_a_large_jpeg_is_reduced_and_keeps_its_mean(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 2400).astype(np.uint8), (1800, 1))
    path = tmp_path / "ramp.jpg"
    Image.fromarray(ramp).save(path, quality=95)
    problem, width, height, brightness, contrast, _ = measure(str(path))
    assert (problem, width, height) == ("", 2400, 1800)
    assert (brightness, contrast) == pytest.approx((ramp.mean() / 255, ramp.std() / 255), abs=0.005)


def test_what_is_no_picture_is_a_reason_and_never_an_error(tmp_path):
    good = save(tmp_path / "good.png", np.full((8, 8), 51, dtype=np.uint8))
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "words.jpg").write_text("no picture")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    whole = Path(save(tmp_path / "noise.png", noise)).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    names = ("empty.jpg", "words.jpg", "cut.png", "absent.png", "")
    paths = [str(tmp_path / name) for name in names]
    for executor in (None, ThreadPoolExecutor(2)):
        found = measure_all([*paths, good], executor)
        assert found.usable.tolist() == [False] * 5 + [True]
        assert found.problem[[0, 1, 3, 4]].tolist() == [
            "empty file (0 bytes)",
            "not an image that Pillow can identify",
            "no such file or directory",
            "not a regular file",
        ]
        assert "decoded" in found.problem[2]
        assert np.isnan(found.brightness[:5]).all()
        assert found.brightness[5] == pytest.approx(0.2)
        assert found.aspect[5] == 1
    assert measure_all([]).problem.tolist() == []


def test_a_picture_with_too_many_pixels_is_not_decoded(tmp_path):
    path = save(tmp_path / "p.png", np.zeros((30, 40), dtype=np.uint8))
    assert measure(path, max_pixels=1199)[0] == "more than 1,199 pixels"
    assert measure(path, max_pixels=1200)[0] == ""
