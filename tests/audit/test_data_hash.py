"""The hash of a data folder: of names and bytes, and of nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from audit.data_hash import hash_data, visible_files
from audit.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    for name, text in {"b.csv": "id\n1\n", "train/a.jpg": "\x00\x01", "train/ä b.jpg": ""}.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    return made


def hashed(folder: Path) -> str:
    return hash_data(folder, visible_files(folder))


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_gives_the_same(folder: Path) -> None:
    words = "find . -type f | LC_ALL=C sort | sed 's|^./||' | xargs -d '\\n' sha256sum | sha256sum"
    said = subprocess.run(["bash", "-c", words], cwd=folder, capture_output=True, text=True, check=True)
    assert said.stdout.split()[0] == hashed(folder)


def test_one_byte_or_one_name_changes_it(folder: Path) -> None:
    before = hashed(folder)
    (folder / "train" / "a.jpg").write_text("\x00\x02")
    changed = hashed(folder)
    (folder / "train" / "a.jpg").write_text("\x00\x01")
    assert hashed(folder) == before != changed
    (folder / "b.csv").rename(folder / "c.csv")
    assert hashed(folder) != before


def test_order_dates_and_hidden_files_do_not(folder: Path) -> None:
    before = hashed(folder)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x").write_text("x")
    (folder / "train" / ".hidden").write_text("x")
    (folder / "b.csv").touch()
    assert hashed(folder) == before
    assert hash_data(folder, list(visible_files(folder))[::-1]) == before


def test_a_folder_elsewhere_with_the_same_files_is_the_same(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    assert hashed(tmp_path / "copy") == hashed(folder)


def test_nothing_to_hash_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no file to read"):
        hashed(tmp_path)
