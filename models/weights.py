"""Weights that can be opened without running them: safetensors, with a JSON card beside the file.

The card says what the tensors do not: configuration, class names, thresholds, calibration, metrics, hash
of the data, licence. `save` adds the hash of the tensors and the versions of the packages; `load` checks
the hash. A pickle (.pt, .pth, .bin, .ckpt) is refused whatever its name: opening one runs what is in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import InputError

if TYPE_CHECKING:
    import torch

TENSORS, CARD = "model.safetensors", "model.json"
FORMAT = 1
PACKAGES = ("plumbline", "torch", "torchvision", "transformers", "safetensors", "lightning", "numpy")
PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".joblib")
MAX_CARD_BYTES = 64 << 20  # a tokenizer's vocabulary fits; a file made to fill the memory does not


def paths(path: Path | str) -> tuple[Path, Path]:
    """The two files that `path` stands for.

    Args:
        path: a folder (`model.safetensors` and `model.json` in it), the `.safetensors` file, or its `.json`.

    Returns:
        The tensors' file and the card.
    """
    path = Path(path)
    if path.suffix in (".safetensors", ".json"):
        return path.with_suffix(".safetensors"), path.with_suffix(".json")
    return path / TENSORS, path / CARD


def save(path: Path | str, state: Mapping[str, torch.Tensor], card: Mapping[str, Any]) -> Path:
    """Write weights and card; each is written beside its place and renamed.

    Args:
        path: as for `paths`; folders are made.
        state: name -> tensor. Tensors that share memory are stored one by one.
        card: JSON values only. `format`, `sha256` and `versions` are set here.

    Returns:
        The path of the safetensors file.
    """
    from safetensors.torch import save as to_bytes

    tensors, beside = paths(path)
    tensors.parent.mkdir(parents=True, exist_ok=True)
    seen: set[int] = set()
    flat = {}
    for name, tensor in state.items():
        tensor = tensor.detach().cpu().contiguous()
        if tensor.untyped_storage().data_ptr() in seen:
            tensor = tensor.clone()  # tied weights: safetensors refuses shared memory
        seen.add(tensor.untyped_storage().data_ptr())
        flat[name] = tensor
    data = to_bytes(flat)
    full = {
        **card,
        "format": FORMAT,
        "sha256": hashlib.sha256(data).hexdigest(),
        "versions": {**_versions(), **card.get("versions", {})},
    }
    text = json.dumps(full, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    _replace(tensors, data)
    _replace(beside, text.encode() + b"\n")
    return tensors


def load(path: Path | str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read weights and card, and check that they belong together.

    Raises:
        InputError: a file is missing, is a pickle, is damaged, or its hash is not the one in the card.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    tensors, _ = paths(path)
    card = read_card(path)
    refuse_pickle(tensors)
    if (got := sha256(tensors)) != card.get("sha256"):
        raise InputError(
            str(tensors),
            f"its SHA-256 is {got[:12]}…, the card beside it says {str(card.get('sha256'))[:12]}….",
            "The two files do not belong together, or one was altered: copy both again.",
        )
    try:
        return load_file(tensors), card
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(str(tensors), f"is not a readable safetensors file ({error}).") from error


def read_card(path: Path | str) -> dict[str, Any]:
    """Read the card alone: no tensor is touched and no framework imported.

    Raises:
        InputError: the card is missing, no JSON object, or of a format that this version does not know.
    """
    refuse_pickle(Path(path))
    tensors, beside = paths(path)
    if not beside.is_file():
        _missing(Path(path), tensors, beside)
    if beside.stat().st_size > MAX_CARD_BYTES:
        raise InputError(str(beside), f"a card has at most {MAX_CARD_BYTES >> 20} MiB.")
    try:
        card = json.loads(beside.read_text("utf-8"))
    except ValueError as error:
        raise InputError(str(beside), f"is not JSON ({error}).") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        came = card.get("format") if isinstance(card, dict) else type(card).__name__
        raise InputError(str(beside), f'a card has "format": {FORMAT}; this one has {came!r}.')
    return card


def refuse_pickle(path: Path) -> None:
    """Stop before a file that would run code when it is opened.

    Raises:
        InputError: the name or the first bytes say pickle, or a zip of one.
    """
    if not path.is_file():
        return
    with path.open("rb") as file:
        head = file.read(2)
    if path.suffix.lower() in PICKLES or head == b"PK" or (head[:1] == b"\x80" and head[1:] <= b"\x05"):
        raise InputError(
            str(path),
            "is a pickle, and opening a pickle runs the code it holds; weights are read from safetensors.",
            "Where you trust it: safetensors.torch.save_file(torch.load(FILE, weights_only=True), OUT).",
        )


def load_into(network: torch.nn.Module, state: Mapping[str, torch.Tensor], place: str) -> None:
    """Put weights into a network, all of them and nothing else.

    Args:
        network: receives the tensors.
        state: name -> tensor.
        place: what the error names, usually the path.

    Raises:
        InputError: names or shapes differ; the first five of each kind are named.
    """
    own = network.state_dict()
    missing = sorted(own.keys() - state.keys())
    extra = sorted(state.keys() - own.keys())
    shapes = [
        f"{name} {tuple(state[name].shape)} for {tuple(own[name].shape)}"
        for name in sorted(own.keys() & state.keys())
        if state[name].shape != own[name].shape
    ]
    parts = [("missing", missing), ("not known", extra), ("of another shape", shapes)]
    problems = [f"{what}: {', '.join(names[:5])}" for what, names in parts if names]
    if problems:
        raise InputError(place, "the weights do not fit the network; " + "; ".join(problems) + ".")
    network.load_state_dict(dict(state))


def sha256(path: Path | str) -> str:
    """Hex digest of a file, read in pieces."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _missing(path: Path, tensors: Path, beside: Path) -> None:
    if tensors.is_file():
        raise InputError(
            str(beside), f"the card of {tensors.name} is missing.", "It is written beside the weights."
        )
    pickles = sorted(p.name for p in path.iterdir() if p.suffix in PICKLES) if path.is_dir() else []
    if pickles:
        refuse_pickle(path / pickles[0])
    raise InputError(str(path), f"no weights here: {tensors.name} and {beside.name} were looked for.")


def _replace(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)  # mkstemp makes it private
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
