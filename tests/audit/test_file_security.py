"""Model files inspected without loading: every malicious one would create a file, and must not."""

import gzip
import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path

import joblib
import numpy as np
import pytest

from audit.errors import InputError
from audit.file_security.inspect_file import inspect_file
from audit.file_security.names import Kind, kind_of
from audit.file_security.verdicts import Inspection, Verdict


class Planted:
    """Runs a shell command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


SYSTEM = f"{os.system.__module__}.system"
"""posix.system, or nt.system."""


@pytest.fixture
def mark(tmp_path: Path):
    """The file that a planted command would create; it must not be there at the end."""
    mark = tmp_path / "executed"
    yield mark
    assert not mark.exists()


def _short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def _opcodes(mark: Path) -> dict[str, bytes]:
    """Ways to write the same call, and ways to hide it."""
    module = os.system.__module__
    argument = b"V" + f"touch {mark}".encode() + b"\n"
    call = argument + b"\x85R."
    plain = f"c{module}\nsystem\n".encode()
    return {
        "global": b"\x80\x02" + plain + call,
        "protocol 0": plain + call,
        "stack global": b"\x80\x04" + _short(module) + _short("system") + b"\x93" + call,
        "through the memo": b"\x80\x04" + _short("system") + b"\x940" + _short(module) + b"h\x00\x93" + call,
        "inst": b"(" + argument + f"i{module}\nsystem\n.".encode(),
        "obj": b"\x80\x02(" + plain + argument + b"o.",
        "no stop": b"\x80\x02" + plain + argument + b"\x85R",
        "garbage behind": b"\x80\x02" + plain + argument + b"\x85R\xff\xff\xff",
        "second pickle": b"\x80\x02}." + b"\x80\x02" + plain + call,
    }


@pytest.mark.parametrize("way", list(_opcodes(Path("x"))))
def test_inspect_names_the_function_however_it_is_written(way: str, tmp_path: Path, mark: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(_opcodes(mark)[way])
    found = inspect_file(path)
    assert found.verdict is Verdict.CODE
    assert SYSTEM in {f"{one.module}.{one.name}" for one in found.contents.names if one.called}


def test_the_planted_pickles_do_run_when_they_are_loaded(tmp_path: Path) -> None:
    """The control: were a file loaded, `mark` would catch it."""
    mark = tmp_path / "ran"
    for content in list(_opcodes(mark).values())[:6]:
        pickle.loads(content)
        assert mark.exists()
        mark.unlink()


@pytest.mark.parametrize("protocol", range(6))
def test_inspect_reads_every_protocol(protocol: int, tmp_path: Path, mark: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"w": [1.5], "x": Planted(f"touch {mark}")}, protocol=protocol))
    found = inspect_file(path)
    assert found.verdict is Verdict.CODE
    assert [f"{one.module}.{one.name}" for one in found.contents.names if one.kind is Kind.CODE] == [SYSTEM]


def _zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()


def _containers(bad: bytes, array: np.ndarray) -> dict[str, bytes]:
    npy = io.BytesIO()
    np.save(npy, array, allow_pickle=True)
    torch_zip = {"m/data.pkl": bad, "m/data/0": b"\0" * 8, "m/version": b"3\n"}
    return {
        "torch zip": _zipped(torch_zip),
        "zip in zip": _zipped({"inner.pt": _zipped(torch_zip)}, zipfile.ZIP_DEFLATED),
        "npy of objects": npy.getvalue(),
        "npz of objects": _zipped({"a.npy": npy.getvalue()}, zipfile.ZIP_DEFLATED),
        "gzip": gzip.compress(bad),
        "zlib": zlib.compress(bad),
        "pickle before a zip": bad + _zipped({"m/data.pkl": pickle.dumps({}, 2)}),
        "zip behind a harmless pickle": pickle.dumps({}, 2) + _zipped(torch_zip),
    }


@pytest.mark.parametrize("way", list(_containers(b"", np.array([None], dtype=object))))
def test_inspect_looks_into_containers(way: str, tmp_path: Path, mark: Path) -> None:
    planted = Planted(f"touch {mark}")
    path = tmp_path / "model.pt"
    path.write_bytes(_containers(pickle.dumps(planted, 2), np.array([planted], dtype=object))[way])
    found = inspect_file(path)
    assert found.verdict is Verdict.CODE
    assert SYSTEM in {f"{one.module}.{one.name}" for one in found.contents.names}


def test_inspect_joblib_compressed_and_not(tmp_path: Path, mark: Path) -> None:
    for compress in (0, 3):
        path = tmp_path / f"{compress}.joblib"
        joblib.dump({"a": Planted(f"touch {mark}")}, path, compress=compress)
        assert inspect_file(path).verdict is Verdict.CODE


def test_inspect_joblib_with_arrays_cannot_be_told(tmp_path: Path) -> None:
    path = tmp_path / "a.joblib"
    joblib.dump({"a": np.arange(3.0)}, path)
    found = inspect_file(path)
    assert found.verdict is Verdict.UNKNOWN
    assert any("joblib" in doubt for doubt in found.contents.doubts)


def test_inspect_torch_files(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    state = OrderedDict(w=torch.zeros(3, 4), b=torch.nn.Parameter(torch.ones(3)))
    for new in (True, False):
        path = tmp_path / f"{new}.pt"
        torch.save(state, path, _use_new_zipfile_serialization=new)
        found = inspect_file(path)
        assert found.verdict is Verdict.TENSORS, found.contents.doubts
        assert found.contents.pickles == (1 if new else 5)
    whole = tmp_path / "whole.pt"
    torch.save(torch.nn.Linear(2, 2), whole)
    found = inspect_file(whole)
    assert found.verdict is Verdict.UNKNOWN
    assert "torch.nn.modules.linear.Linear" in {f"{one.module}.{one.name}" for one in found.contents.names}


def test_names_put_together_or_reached_by_attributes() -> None:
    assert kind_of("collections", "OrderedDict") is Kind.TENSOR
    assert kind_of("torch.serialization", "os.system") is Kind.CODE
    assert kind_of("builtins", "eval") is Kind.CODE
    assert kind_of("collections", "OrderedDict.fromkeys") is Kind.UNKNOWN
    assert kind_of("sklearn.linear_model", "LogisticRegression") is Kind.UNKNOWN


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\x80\x04" + _short("posix") + b"\x85" + _short("system") + b"\x93.", "put together"),
        (b"\x80\x02cnumpy\nndarray\n}V__len__\nK\x01sb.", "states given to an imported name"),
        (b"\x80\x02}" + b"(" * 2_100_000, "more than 2,000,000 opcodes"),
        (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b"abc", "announces"),
        (b"\x80\x04\x95" + struct.pack("<Q", 1 << 60) + b"K\x01", "can't be read"),
        (b"\x80\x02cnumpy\n" + b"n" * 100_000 + b"\n.", "has no end"),
        (b"\x80\x020000.", "takes more from the stack"),
        (b"\x80\x02\x82\x01.", "put together"),
    ],
    ids=["computed", "build", "many", "huge", "frame", "line", "stack", "extension"],
)
def test_what_cannot_be_told_is_unknown(content: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.pkl"
    path.write_bytes(content)
    found = inspect_file(path)
    assert found.verdict is Verdict.UNKNOWN
    assert word in " ".join(found.contents.doubts)


def test_bombs_are_named_and_not_expanded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    path.write_bytes(_zipped({"m/data.pkl": b"\x80\x02" + b"0" * (1 << 27)}, zipfile.ZIP_DEFLATED))
    found = inspect_file(path)
    assert found.verdict is Verdict.UNKNOWN
    assert "compression bomb" in found.contents.doubts[0]
    nested = _zipped({"m/data.pkl": b"\x80\x02}."})
    for _ in range(4):
        nested = _zipped({"x.pt": nested})
    path.write_bytes(nested)
    assert "inside 3 archives" in inspect_file(path).contents.doubts[0]
    damaged = bytearray(_zipped({"m/data.pkl": pickle.dumps(list(range(5000)), 2)}, zipfile.ZIP_DEFLATED))
    damaged[200:220] = b"\xff" * 20
    path.write_bytes(damaged)
    assert inspect_file(path).verdict is Verdict.UNKNOWN


def _safetensors(header: object, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def _inspect(tmp_path: Path, content: bytes) -> Inspection:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    return inspect_file(path)


def test_safetensors_against_the_library(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    held = {"a": np.zeros((3, 4), np.float32), "b": np.ones(5, np.int64), "c": np.array(2, np.float16)}
    path = tmp_path / "model.safetensors"
    library.save_file(held, path, metadata={"license": "MIT"})
    found = inspect_file(path)
    assert found.verdict is Verdict.NO_CODE
    assert found.licence == "MIT (in the file)"
    tensors = found.contents.tensors
    assert tensors is not None
    assert (tensors.count, tensors.parameters) == (3, sum(a.size for a in held.values()))
    assert tensors.dtypes == {"F16": 1, "F32": 12, "I64": 5}


def test_safetensors_that_are_cut_or_lie(tmp_path: Path) -> None:
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    assert _inspect(tmp_path, _safetensors({"a": entry}, b"\0" * 8)).verdict is Verdict.NO_CODE
    wrong = {
        "cut short": _safetensors({"a": entry}, b"\0" * 4),
        "follow the last": _safetensors({"a": entry}, b"\0" * 12),
        "bytes for F32": _safetensors({"a": {**entry, "shape": [3]}}, b"\0" * 8),
        "does not begin": _safetensors({"a": {**entry, "data_offsets": [4, 12]}}, b"\0" * 12),
        "not that of": _safetensors({"a": 1}, b""),
    }
    for word, content in wrong.items():
        found = _inspect(tmp_path, content)
        assert found.verdict is Verdict.UNKNOWN
        assert word in found.contents.doubts[0]


def test_licence_of_the_card_beside(tmp_path: Path) -> None:
    path = tmp_path / "m.npy"
    np.save(path, np.zeros(3))
    assert inspect_file(path).licence == ""
    (tmp_path / "LICENSE").write_text("\nMIT License\n\nCopyright\n")
    assert inspect_file(path).licence == "MIT License (LICENSE)"
    (tmp_path / "README.md").write_text("---\ntags: [x]\nlicense: apache-2.0\n---\n# Model\nlicense: none\n")
    assert inspect_file(path).licence == "apache-2.0 (README.md)"


def test_files_that_are_no_models_are_refused_in_words(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("class of 1999\nsome words here\nand more.\n")
    with pytest.raises(InputError, match="is no model file of a known form"):
        inspect_file(text)
    empty = tmp_path / "empty.pt"
    empty.touch()
    with pytest.raises(InputError, match="is empty"):
        inspect_file(empty)
    with pytest.raises(InputError, match="no such file"):
        inspect_file(tmp_path / "none.pt")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "w.safetensors").touch()
    with pytest.raises(InputError, match=r"is a folder. Name one file in it, such as w.safetensors"):
        inspect_file(folder)
    loop = tmp_path / "loop.pt"
    loop.symlink_to(loop)
    with pytest.raises(InputError, match="can't be read: Too many levels of symbolic links"):
        inspect_file(loop)
    pipe = tmp_path / "pipe.pt"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="a device, a pipe or a socket"):
        inspect_file(pipe)
    picture = tmp_path / "x.pt"
    picture.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(InputError, match="is a PNG picture, no model file"):
        inspect_file(picture)
    sheet = tmp_path / "x.zip"
    sheet.write_bytes(_zipped({"a.txt": b"hello"}))
    with pytest.raises(InputError, match="zip archive without a model's files"):
        inspect_file(sheet)
