"""One image file, opened once: hashes of bytes and pixels, and the reduced grey pictures.

What can't be read is a value with its reason. Pillow's readers raise many kinds of error on broken files;
all of them mean "this file can't be used", none of them may stop a run over a million others.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL import __version__ as pillow_version

from audit.leakage.reduced import hash_pictures, oblong_picture, small_square

BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, AttributeError,
    OverflowError, ZeroDivisionError, NotImplementedError, AssertionError, RuntimeError, MemoryError,
    RuntimeWarning, UserWarning, struct.error, zlib.error,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip
MAX_PIXELS = 89_478_485
"""Pillow's own limit, above which it warns of a decompression bomb."""
DRAFT_SIDE = 64
ORIENTATION_KEYS = ("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp")
FORMATS = {
    "JPEG": ("jpg", "jpeg", "jpe", "jfif"), "MPO": ("jpg", "jpeg", "jpe", "jfif", "mpo"), "PNG": ("png",
    "apng"), "GIF": ("gif",), "BMP": ("bmp", "dib"), "TIFF": ("tif", "tiff"), "WEBP": ("webp",), "AVIF":
    ("avif",), "PPM": ("ppm", "pgm", "pbm", "pnm", "pfm"), "TGA": ("tga",), "JPEG2000": ("jp2", "j2k"),
}  # fmt: skip
"""Formats with the file extensions that belong to them."""
EXTENSIONS = frozenset(extension for extensions in FORMATS.values() for extension in extensions)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How files are decoded and hashed. Every field that changes a hash is in `algorithm`."""

    draft: bool = False
    """JPEG only: let the decoder reduce by 2, 4 or 8. Up to twice as fast; moves bits of some hashes, of real
    photographs .5 on average and 4 at most."""
    exif: bool = True
    """Hash the picture as it is shown, turned by its EXIF orientation. False: as it is stored, as imagehash
    does."""
    orientations: bool = False
    """Hash all eight rotations and mirror images."""
    pixels: bool = False
    """SHA-256 of the decoded pixels of every file; not with `draft`, which never sees them. It takes a fifth
    of the time; equal pixels have equal hashes, so the search asks for it only where hashes are equal."""
    captions: bool = True
    """Also hash the middle rows, and the picture within its border, so that copies with a caption or bars are
    found."""
    max_pixels: int = MAX_PIXELS

    @property
    def algorithm(self) -> str:
        """Names what made a hash: two hashes are comparable only where this is equal."""
        parts = (
            "phash8x4+dhash8",
            "draft" if self.draft else "full",
            "shown" if self.exif else "stored",
            "eight" if self.orientations else "one",
            "pixels" if self.has_pixels else "no-pixels",
            "captions" if self.captions else "plain",
            f"pillow-{pillow_version}",
            "2",
        )
        return "/".join(parts)

    @property
    def has_pixels(self) -> bool:
        """Whether decoded pixels are hashed."""
        return self.pixels and not self.draft


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """One file that could be read."""

    file_sha: bytes
    pixel_sha: bytes
    """32 zero bytes where not computed."""
    square: NDArray[np.uint8]
    """(32, 32) grey, for pHash."""
    oblong: NDArray[np.uint8]
    """(8, 9) grey, for dHash."""
    parts: NDArray[np.uint8]
    """(2, 32, 32) grey, for pHash: of the middle rows, and of the picture within its border; zeros: not asked
    for, or no border."""
    width: int
    """As stored, in pixels."""
    height: int
    note: str
    """Something odd that did not keep it from being used; empty: nothing."""


class UnusableImageError(Exception):
    """A file that can't be used; the message is the reason."""


def decode(path: str, reading: Reading) -> Decoded:
    """Open one file, hash and reduce it.

    Args:
        path: of the file.
        reading: how.

    Raises:
        UnusableImageError: the file can't be used; the message says why in a few words.
    """
    data = read_bytes(path)
    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
            note = _wrong_name(path, image.format or "")
            grey, pixel_sha = _grey(image, reading)
            pixels = np.asarray(grey)
            square, parts = hash_pictures(pixels, reading.captions)
            oblong = oblong_picture(square if reading.draft else pixels)  # a draft is not exact anyway
    except BROKEN as error:
        raise UnusableImageError(reason(error)) from error
    return Decoded(
        file_sha=hashlib.sha256(data).digest(),
        pixel_sha=pixel_sha,
        square=square,
        oblong=oblong,
        parts=parts,
        width=width,
        height=height,
        note=note,
    )


def grey_square(
    path: str, side: int, exif: bool, max_pixels: int = MAX_PIXELS, inner: bool = False
) -> NDArray[np.uint8]:
    """Reduce one file to a grey square for the second check, by another route than the hashes: area means.

    Args:
        path: of the file.
        side: pixels.
        exif: as in `Reading`.
        inner: the picture within its border, where it has one.
        max_pixels: as in `Reading`.

    Returns:
        (side, side) grey levels.

    Raises:
        UnusableImageError: as `decode`.
    """
    data = read_bytes(path)
    try:
        with Image.open(io.BytesIO(data)) as image:
            grey, _ = _grey(image, Reading(exif=exif, pixels=False, max_pixels=max_pixels))
            return small_square(grey, side, inner)
    except BROKEN as error:
        raise UnusableImageError(reason(error)) from error


def read_bytes(path: str) -> bytes:
    """Read a regular file that is not empty.

    Raises:
        UnusableImageError: it is missing, unreadable, a loop of links, a pipe or device, or empty.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise UnusableImageError("not a regular file")
        if status.st_size == 0:
            raise UnusableImageError("empty file (0 bytes)")
        return _whole_file(path, status.st_size)
    except (OSError, ValueError, MemoryError) as error:
        raise UnusableImageError(reason(error)) from error


def _whole_file(path: str, size: int) -> bytes:
    """Read a file without the buffers of a file object: half of the time for a small one."""
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        data = os.read(file, size + 1)
        if len(data) == size:
            return data
        parts = [data]  # a very large file comes in parts, and one that is being written may have grown
        while data:
            data = os.read(file, size + 1)
            parts.append(data)
        return b"".join(parts)
    finally:
        os.close(file)


def _grey(image: Image.Image, reading: Reading) -> tuple[Image.Image, bytes]:
    """The first frame as mode L, turned upright where asked, and the SHA-256 of its pixels."""
    if image.width * image.height > reading.max_pixels:
        raise ValueError(
            f"{image.width} x {image.height} pixels, more than the limit of {reading.max_pixels:,}"
        )
    if reading.draft:
        image.draft("L", (DRAFT_SIDE, DRAFT_SIDE))
    image.load()
    if reading.exif and _may_be_turned(image):
        image = ImageOps.exif_transpose(image)
    pixel_sha = _pixel_sha(image) if reading.has_pixels else bytes(32)
    return image if image.mode == "L" else image.convert("L"), pixel_sha


def _may_be_turned(image: Image.Image) -> bool:
    return any(key in image.info for key in ORIENTATION_KEYS) or hasattr(image, "tag_v2")


def _pixel_sha(image: Image.Image) -> bytes:
    """Hash size and pixels: of 8-bit pictures as RGB or RGBA, whatever the format."""
    if image.mode.startswith(("I", "F")):
        plain = image
    else:
        mode = "RGBA" if image.has_transparency_data else "RGB"
        plain = image if image.mode == mode else image.convert(mode)
    digest = hashlib.sha256(f"{plain.mode} {plain.width} {plain.height} ".encode())
    digest.update(plain.tobytes())
    return digest.digest()


def _wrong_name(path: str, kind: str) -> str:
    allowed = FORMATS.get(kind)
    extension = path[path.rfind(".") + 1 :].lower()
    if allowed is None or extension in allowed or extension not in EXTENSIONS:
        return ""
    return f"named .{extension}, holds {kind}; used all the same"


def reason(error: BaseException) -> str:
    """A few words without paths or memory addresses, so that two runs say the same."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image that Pillow can identify"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return "more pixels than Pillow's limit: may be a decompression bomb"
    words = " ".join(str(error).split())
    return f"can't be decoded: {words or type(error).__name__}"[:200]
