"""Hashes equal the imagehash library's bit for bit, and broken files are rows with a reason."""

import io
import os
import struct
import zlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageOps

from audit.leakage import resample
from audit.leakage.decode import Reading
from audit.leakage.fingerprints import fingerprint
from audit.leakage.hashes import ORIENTATIONS, as_text, phash
from audit.leakage.planted import textured


def photo(seed, width=160, height=120):
    return textured(np.random.default_rng(seed), width, height)


def flat(colour):
    return Image.new("RGB", (50, 40), colour)


def save(image, path, **options):
    image.save(path, **options)
    return str(path)


def make_formats(folder):
    """One file of each format and mode that imagehash can hash."""
    rng = np.random.default_rng(0)
    alpha = photo(1).convert("RGBA")
    alpha.putalpha(Image.fromarray(rng.integers(0, 256, (120, 160), dtype=np.uint8)))
    deep = Image.fromarray(rng.integers(0, 65536, (60, 80)).astype(np.uint16))
    frames = [photo(seed).convert("P") for seed in (2, 3)]
    images = {
        "rgb.jpg": (photo(4), {"quality": 85}),
        "grey.jpg": (photo(5).convert("L"), {}),
        "cmyk.jpg": (photo(6).convert("CMYK"), {}),
        "progressive.jpg": (photo(7), {"progressive": True}),
        "rgb.png": (photo(8), {}),
        "alpha.png": (alpha, {}),
        "grey-alpha.png": (alpha.convert("LA"), {}),
        "palette.png": (photo(9).convert("P"), {}),
        "bilevel.png": (photo(10).convert("1"), {}),
        "deep.png": (deep, {}),
        "deep.tif": (deep, {}),
        "float.tif": (Image.fromarray(rng.normal(100, 40, (50, 70)).astype(np.float32)), {}),
        "animated.gif": (frames[0], {"save_all": True, "append_images": frames[1:]}),
        "rgb.bmp": (photo(11), {}),
        "rgb.webp": (photo(12), {}),
        "grey.pgm": (photo(13).convert("L"), {}),
        "tiny.png": (Image.fromarray(np.array([[3, 200]], dtype=np.uint8)), {}),
        "one-pixel.png": (flat((9, 9, 9)).crop((0, 0, 1, 1)), {}),
        "white.png": (flat((255, 255, 255)), {}),
        "symmetric.png": (ImageOps.expand(flat((0, 0, 0)), 20, (255, 255, 255)), {}),
        "tall.png": (photo(14, 40, 300), {}),
        "wide.png": (photo(15, 300, 40), {}),
        "square32.png": (photo(16, 32, 32), {}),
        "large.jpg": (photo(17, 900, 700), {}),
    }
    return {name: save(image, folder / name, **options) for name, (image, options) in images.items()}


def library(path, shown):
    with Image.open(path) as image:
        picture = ImageOps.exif_transpose(image) if shown else image
        return str(imagehash.phash(picture)), str(imagehash.dhash(picture))


@pytest.mark.parametrize("shown", [True, False])
def test_hashes_equal_imagehash_over_formats(tmp_path, shown):
    paths = make_formats(tmp_path)
    made = fingerprint(list(paths.values()), Reading(exif=shown))
    assert made.used.all(), made.reasons
    ours = list(zip(as_text(made.phash[:, 0]), as_text(made.dhash[:, 0]), strict=True))
    wanted = [library(path, shown) for path in paths.values()]
    assert dict(zip(paths, ours, strict=True)) == dict(zip(paths, wanted, strict=True))


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation_is_applied_or_not_as_asked(tmp_path, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    path = save(photo(1), tmp_path / "turned.jpg", exif=exif.tobytes())
    for shown in (True, False):
        made = fingerprint([path], Reading(exif=shown))
        assert as_text(made.phash[:, 0]) == [library(path, shown)[0]]


@pytest.mark.parametrize("seed", range(8))
def test_reduction_equals_pillow_at_any_size(seed):
    rng = np.random.default_rng(seed)
    for _ in range(12):
        width, height = rng.integers(1, 260, 2).tolist()
        high = 2 if seed % 2 else 256
        grey = Image.fromarray(rng.integers(0, high, (height, width), dtype=np.uint8) * (255 // (high - 1)))
        for size in ((32, 32), (9, 8)):
            wanted = np.asarray(grey.resize(size, Image.Resampling.LANCZOS))
            assert np.array_equal(resample.reduce_grey(np.asarray(grey), [size])[0], wanted), (
                width,
                height,
                size,
            )


def test_another_pillow_is_left_to_itself(monkeypatch):
    monkeypatch.setattr(resample, "_reduce", lambda pixels, width, height, order: np.zeros((height, width)))
    resample._order.cache_clear()
    grey = photo(1).convert("L")
    wanted = np.asarray(grey.resize((32, 32), Image.Resampling.LANCZOS))
    assert np.array_equal(resample.reduce_grey(np.asarray(grey), [(32, 32)])[0], wanted)
    resample._order.cache_clear()


def test_phash_distances_are_even():
    rng = np.random.default_rng(0)
    hashes = phash(rng.integers(0, 256, (200, 32, 32), dtype=np.uint8))
    assert (np.bitwise_count(hashes) == 32).all()
    assert (np.bitwise_count(hashes[:, None] ^ hashes[None, :]) % 2 == 0).all()


def test_eight_ways_find_a_turned_copy(tmp_path):
    picture = photo(3, 128, 128)
    first = save(picture, tmp_path / "a.png")
    made = fingerprint([first], Reading(orientations=True))
    assert made.phash.shape == (1, len(ORIENTATIONS))
    for way, turned in enumerate(
        turn(start) for start in (picture, ImageOps.mirror(picture)) for turn in TURNS
    ):
        other = fingerprint([save(turned, tmp_path / "b.png")])
        assert np.bitwise_count(made.phash[0, way] ^ other.phash[0, 0]) <= 2


TURNS = (
    lambda image: image,
    lambda image: image.transpose(Image.Transpose.ROTATE_90),
    lambda image: image.transpose(Image.Transpose.ROTATE_180),
    lambda image: image.transpose(Image.Transpose.ROTATE_270),
)


def test_content_is_equal_across_formats(tmp_path):
    picture = photo(5)
    paths = [save(picture, tmp_path / name) for name in ("a.png", "b.bmp", "c.tif")]
    paths.append(save(photo(6), tmp_path / "d.png"))
    made = fingerprint(paths, Reading(pixels=True))
    assert len({row.tobytes() for row in made.file_sha}) == 4
    assert [row.tobytes() for row in made.pixel_sha[:3]] == [made.pixel_sha[0].tobytes()] * 3
    assert made.pixel_sha[3].tobytes() != made.pixel_sha[0].tobytes()


def test_draft_is_named_and_moves_few_bits(tmp_path):
    paths = [save(photo(seed, 640, 480), tmp_path / f"{seed}.jpg", quality=88) for seed in range(12)]
    full, draft = fingerprint(paths), fingerprint(paths, Reading(draft=True))
    assert "/full/" in full.algorithm
    assert "/draft/" in draft.algorithm
    assert np.bitwise_count(full.phash ^ draft.phash).max() <= 6
    assert not draft.pixel_sha.any()


def test_blank_pictures_are_marked(tmp_path):
    paths = [save(flat((250, 250, 250)), tmp_path / "a.png"), save(photo(1), tmp_path / "b.png")]
    assert fingerprint(paths).blank.tolist() == [True, False]


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def bomb(width, height):
    """A PNG whose header promises more pixels than any memory holds."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def make_broken(folder):
    buffer = io.BytesIO()
    photo(1).save(buffer, "JPEG")
    whole = buffer.getvalue()
    (folder / "zero.jpg").write_bytes(b"")
    (folder / "text.jpg").write_bytes(b"this is no picture")
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "noise.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (folder / "hundred-megapixels.png").write_bytes(bomb(10_000, 10_000))
    (folder / "bomb.png").write_bytes(bomb(60_000, 60_000))
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    os.mkfifo(folder / "pipe.jpg")
    return {
        "zero.jpg": "empty file (0 bytes)",
        "text.jpg": "not an image that Pillow can identify",
        "cut.jpg": "can't be decoded: image file is truncated",
        "noise.png": "not an image that Pillow can identify",
        "hundred-megapixels.png": "more pixels than Pillow's limit",
        "bomb.png": "more pixels than Pillow's limit",
        "loop.jpg": "too many levels of symbolic links",
        "pipe.jpg": "not a regular file",
        "missing.jpg": "no such file or directory",
        "nul\0.jpg": "can't be decoded: embedded null byte",
    }


def test_broken_files_are_rows_and_the_run_goes_on(tmp_path):
    wanted = make_broken(tmp_path)
    good = save(photo(2), tmp_path / "good.png")
    paths = [good, *(f"{tmp_path}/{name}" for name in wanted), good]
    made = fingerprint(paths)
    assert made.used.tolist() == [True, *[False] * len(wanted), True]
    for (name, reason), said in zip(wanted.items(), made.reasons[1:-1], strict=True):
        assert said.startswith(reason), (name, said)


def test_an_unreadable_file_is_a_row(tmp_path, monkeypatch):
    path = save(photo(2), tmp_path / "secret.png")

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("audit.leakage.decode._whole_file", refuse)
    assert fingerprint([path]).reasons == ("permission denied",)


def test_a_file_that_comes_in_parts_is_read_whole(tmp_path, monkeypatch):
    from audit.leakage import decode

    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 50)
    read = decode.os.read
    monkeypatch.setattr("audit.leakage.decode.os.read", lambda file, n: read(file, min(n, 1000)))
    assert decode.read_bytes(str(path)) == bytes(range(256)) * 50
    monkeypatch.undo()
    assert decode._whole_file(str(path), 10) == bytes(range(256)) * 50  # it has grown since


def test_a_wrong_name_is_noted_and_used(tmp_path):
    photo(2).save(tmp_path / "a.png")
    path = (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    made = fingerprint([str(path)])
    assert made.used.all()
    assert made.reasons == ("named .jpg, holds PNG; used all the same",)


def test_the_pixel_limit_is_an_option(tmp_path):
    path = save(photo(2, 100, 100), tmp_path / "a.png")
    made = fingerprint([path], Reading(max_pixels=9_999))
    assert made.reasons == ("can't be decoded: 100 x 100 pixels, more than the limit of 9,999",)


def equal(a, b):
    fields = ("used", "file_sha", "pixel_sha", "phash", "dhash", "blank", "width", "height")
    same = all(np.array_equal(getattr(a, f), getattr(b, f)) for f in fields)
    return same and (a.paths, a.reasons, a.algorithm) == (b.paths, b.reasons, b.algorithm)


def test_the_cache_gives_the_same_and_notices_changes(tmp_path, monkeypatch):
    paths = [save(photo(seed), tmp_path / f"{seed}.png") for seed in range(6)] + [f"{tmp_path}/missing.png"]
    for reading in (Reading(), Reading(orientations=True)):
        fresh = fingerprint(paths, reading)
        assert equal(fingerprint(paths[:4], reading, cache=tmp_path / "c"), fresh.take(np.arange(4)))
        assert equal(fingerprint(paths[::-1], reading, cache=tmp_path / "c"), fresh.take(np.arange(7)[::-1]))
    calls = []
    monkeypatch.setattr(
        "audit.leakage.fingerprints.decode", lambda path, reading: calls.append(path) or 1 / 0
    )
    again = fingerprint(paths[:6], Reading(), cache=tmp_path / "c")
    assert again.algorithm == Reading().algorithm
    assert calls == []
    photo(99).save(paths[0])
    with pytest.raises(ZeroDivisionError):
        fingerprint(paths[:6], Reading(), cache=tmp_path / "c")
    assert calls == paths[:1]


def test_a_damaged_cache_is_not_trusted(tmp_path):
    paths = [save(photo(1), tmp_path / "a.png")]
    made = fingerprint(paths, cache=tmp_path / "c")
    (file,) = (tmp_path / "c").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert equal(fingerprint(paths, cache=tmp_path / "c"), made)


def test_processes_give_the_same(tmp_path):
    paths = [save(photo(seed, 40, 30), tmp_path / f"{seed}.png") for seed in range(20)] + ["missing.png"]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert equal(fingerprint(paths, executor=pool), fingerprint(paths))


def test_no_files():
    assert fingerprint([]).n == 0
