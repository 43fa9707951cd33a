"""Any encoder that transformers knows, by hub name or local folder; never code or pickles from there.

Weights and tokenizer are fetched by `from_pretrained`. Without a network the error says which files to
put where.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from audit.errors import InputError
from models.tokens import Tokens
from models.weights import PICKLES, refuse_pickle

FILES = ("config.json", "tokenizer.json", "model.safetensors")


class Transformer(nn.Module):
    """A transformers encoder with the two methods that `TextNetwork` wants."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        if getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None  # unused weights would stop a run on several devices
        self.width = int(encoder.config.hidden_size)

    def embeddings(self, ids: Tensor) -> Tensor:
        """(n, T) token numbers -> (n, T, D): the word embeddings alone, without positions."""
        return self.encoder.get_input_embeddings()(ids)

    def encode(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """(n, T, D) and (n, T) mask -> (n, T, width)."""
        return self.encoder(inputs_embeds=embedded, attention_mask=mask).last_hidden_state

    def card(self) -> dict[str, Any]:
        """JSON values that rebuild it."""
        config = self.encoder.config.to_dict()
        config.pop("_name_or_path", None)  # a path on the machine that trained is nobody's business
        return {"type": "transformer", "config": config}


def pretrained(name: str, length: int) -> tuple[Transformer, Tokens]:
    """Load encoder and tokenizer.

    Args:
        name: a local folder, or a name on the hub such as ``distilbert-base-uncased``.
        length: tokens kept of a text.

    Raises:
        InputError: files are missing, are pickles, can't be fetched, or are no encoder.
    """
    _quiet_hub()
    from transformers import AutoModel, AutoTokenizer

    folder = Path(name).expanduser()
    offline = local = folder.is_dir()
    if local:
        _check_folder(folder)
    elif name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise InputError(name, "no such folder.", f"A backbone's folder holds {', '.join(FILES)}.")
    else:
        offline = _only_cached(name)
    source = str(folder) if local else name
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=offline, trust_remote_code=False)
        encoder = AutoModel.from_pretrained(
            source, local_files_only=offline, trust_remote_code=False, use_safetensors=True, dtype="float32"
        )
    except (OSError, ValueError, ImportError, KeyError) as error:
        if local:
            raise InputError(name, f"transformers can't load this folder: {_first(error)}") from error
        raise _unreachable(name, _first(error)) from error
    return _joined(name, encoder, tokenizer, length)


def from_config(config: dict[str, Any]) -> Transformer:
    """An encoder with random weights, from `Transformer.card`.

    Raises:
        InputError: the configuration names no encoder that the installed transformers knows.
    """
    _quiet_hub()
    from transformers import AutoConfig, AutoModel

    fields = {name: value for name, value in config.items() if name not in ("model_type", "auto_map")}
    try:
        built = AutoConfig.for_model(config["model_type"], **fields)
        return Transformer(AutoModel.from_config(built, trust_remote_code=False))
    except (KeyError, ValueError, TypeError) as error:
        raise InputError("backbone", f"transformers can't build it: {_first(error)}") from error


def _joined(name: str, encoder: nn.Module, tokenizer: Any, length: int) -> tuple[Transformer, Tokens]:
    if encoder.config.is_encoder_decoder or not hasattr(encoder.config, "hidden_size"):
        raise InputError(name, f"is a {encoder.config.model_type}; an encoder such as BERT was expected.")
    rust = getattr(tokenizer, "backend_tokenizer", None)
    if rust is None or tokenizer.pad_token_id is None:
        raise InputError(name, "has no tokenizer.json with a padding token: its tokenizer can't be stored.")
    longest = min(length, int(getattr(encoder.config, "max_position_embeddings", length)))
    return Transformer(encoder), Tokens(rust, longest, tokenizer.pad_token_id)


def _check_folder(folder: Path) -> None:
    has = {path.name for path in folder.iterdir()}
    sharded = "model.safetensors.index.json" in has
    missing = [file for file in FILES if file not in has and not (file == FILES[2] and sharded)]
    if FILES[2] in missing:
        for pickle in sorted(name for name in has if Path(name).suffix in PICKLES):
            refuse_pickle(folder / pickle)
    if missing:
        raise InputError(
            str(folder), f"a backbone's folder holds {', '.join(FILES)}; missing: {', '.join(missing)}."
        )


def _only_cached(name: str) -> bool:
    """Whether to load without a network; fails in a moment where that can't work either.

    The hub's own client would try for half a minute before it gives up or takes its cache.
    """
    from huggingface_hub import constants, try_to_load_from_cache

    if any(os.environ.get(key) for key in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return False
    host = constants.ENDPOINT.split("//")[-1].split("/")[0].split(":")[0]
    try:
        socket.getaddrinfo(host, 443)
    except OSError as error:
        if isinstance(try_to_load_from_cache(name, "config.json"), str):
            return True
        raise _unreachable(name, f"{host} can't be reached") from error
    return False


def _unreachable(name: str, why: str) -> InputError:
    return InputError(
        name,
        f"is no local folder, and could not be had from the hub ({why}).",
        f"Without a network: put {', '.join(FILES)} of https://huggingface.co/{name} into a folder and pass "
        "--backbone FOLDER.",
    )


def _quiet_hub() -> None:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _first(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
