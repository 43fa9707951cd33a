"""Hostile and broken image files: every one is named, none takes the process down."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from training.data.image_files import PIXEL_LIMIT, look, look_all, walk


def picture(size=(64, 48), kind="JPEG", seed=0):
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def png_header(width, height):
    """A PNG that says it is so large and holds a few bytes of pixels."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )


def problem_of(tmp_path, content, name="x.jpg", **options):
    (tmp_path / name).write_bytes(content)
    return look(str(tmp_path / name), **options).problem


def test_facts_of_a_good_file(tmp_path):
    pixels = np.zeros((40, 80, 3), dtype=np.uint8)
    pixels[:, 40:] = 255
    Image.fromarray(pixels).save(tmp_path / "x.png")
    one = look(str(tmp_path / "x.png"))
    assert (one.problem, one.remark, one.width, one.height) == ("", "", 80, 40)
    assert one.brightness == pytest.approx(0.5)
    assert one.contrast == pytest.approx(0.5)
    assert 0 < one.phash < 2**64


@pytest.mark.parametrize("side", [40_000, 7_072])
def test_a_bomb_is_refused_from_its_header(tmp_path, monkeypatch, side):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("pixels were read"))
    before = Image.MAX_IMAGE_PIXELS
    problem = problem_of(tmp_path, png_header(side, side), "x.png")
    assert f"{side * side} pixels" in problem
    assert f"more than the {PIXEL_LIMIT} pixels allowed" in problem
    assert before == Image.MAX_IMAGE_PIXELS


def test_the_pixel_limit_is_a_boundary(tmp_path):
    content = picture((60, 50), "PNG")
    assert problem_of(tmp_path, content, "x.png", pixel_limit=3000) == ""
    assert "more than the 2999 pixels allowed" in problem_of(tmp_path, content, "x.png", pixel_limit=2999)


def test_broken_files_by_kind(tmp_path):
    good = picture()
    assert problem_of(tmp_path, b"") == "is empty (0 bytes)"
    assert problem_of(tmp_path, b"these are words") == "is not an image that can be recognised"
    assert "truncated" in problem_of(tmp_path, good[: len(good) // 2])
    assert problem_of(tmp_path, picture(kind="PNG")[:200], "x.png").startswith("can't be decoded")
    assert problem_of(tmp_path, good) == ""


def test_a_wrong_extension_is_a_remark_and_the_file_is_kept(tmp_path):
    (tmp_path / "x.png").write_bytes(picture())
    one = look(str(tmp_path / "x.png"))
    assert (one.problem, one.remark) == ("", "the extension says PNG, the content is JPEG")
    (tmp_path / "x.jpeg").write_bytes(picture())
    assert look(str(tmp_path / "x.jpeg")).remark == ""


def test_what_is_no_regular_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "x.jpg")  # opening it would wait for ever
    assert look(str(tmp_path / "x.jpg")).problem == "is no regular file"
    assert look(str(tmp_path / "absent.jpg")).problem == "no such file"


def test_links_that_loop_are_reported_and_not_followed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jpg").write_bytes(picture())
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "self.jpg").symlink_to(tmp_path / "self.jpg")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / ".hidden.jpg").write_bytes(b"")
    found = {str(path.relative_to(tmp_path)): why for path, why in walk(tmp_path)}
    assert found == {
        "a/x.jpg": "",
        "a/up": "a symbolic link that leads back to a folder above it",
        "self.jpg": "a symbolic link that leads nowhere, or to itself",
        "gone.jpg": "a symbolic link that leads nowhere, or to itself",
    }


class Deadly(str):
    """A path that ends the process that receives it."""

    __slots__ = ()

    def __reduce__(self):
        return os._exit, (3,)


def test_a_file_that_kills_its_worker_is_named_and_the_rest_goes_on(tmp_path):
    names = []
    for i in range(3):
        names.append(str(tmp_path / f"{i}.jpg"))
        (tmp_path / f"{i}.jpg").write_bytes(picture(seed=i))
    steps = []

    class Told:
        def step(self, what, done, total):
            steps.append((what, done, total))

    facts = look_all([names[0], Deadly("x.jpg"), names[1], names[2]], workers=1, progress=Told())
    assert facts.problem.tolist() == ["", "ended the process that looked at it", "", ""]
    assert steps == [("images", 4, 4)]
    alone = look_all(names, workers=0)
    assert alone.sha256.tolist() == facts.sha256[[0, 2, 3]].tolist()
    assert alone.phash.tolist() == facts.phash[[0, 2, 3]].tolist()
