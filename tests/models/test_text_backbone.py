import pickle
import socket
import sys

import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")
transformers = pytest.importorskip("transformers", reason="needs the extra [models]")

from audit.errors import InputError  # noqa: E402
from models import text_backbone  # noqa: E402
from models.tokens import learn  # noqa: E402

pytestmark = pytest.mark.models


def folder(path, kind="distilbert", **sizes):
    rust = learn(["some words to learn from, again and again and again"] * 3, 60)
    config = transformers.AutoConfig.for_model(kind, vocab_size=rust.get_vocab_size(), **sizes)
    transformers.AutoModel.from_config(config).save_pretrained(path)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=rust, pad_token="[PAD]", unk_token="[UNK]")
    fast.save_pretrained(path)
    return path


TINY = {"dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 16, "max_position_embeddings": 20}


def test_any_encoder_family_loads_from_a_folder_with_its_own_weights(tmp_path):
    folder(tmp_path, "distilbert", **TINY)
    encoder, tokens = text_backbone.pretrained(str(tmp_path), 128)
    assert encoder.encoder.config.model_type == "distilbert"
    assert tokens.length == 20  # no more than the encoder has positions
    from safetensors.torch import load_file

    stored = load_file(tmp_path / "model.safetensors")["embeddings.word_embeddings.weight"]
    assert torch.equal(encoder.encoder.get_input_embeddings().weight, stored)
    assert str(tmp_path) not in str(encoder.card())
    again = text_backbone.from_config(encoder.card()["config"])
    assert [p.shape for p in again.parameters()] == [p.shape for p in encoder.parameters()]


def test_missing_files_are_named(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError) as caught:
        text_backbone.pretrained(str(tmp_path), 128)
    assert str(caught.value) == (
        f"{tmp_path}: a backbone's folder holds config.json, tokenizer.json, model.safetensors; "
        "missing: tokenizer.json, model.safetensors."
    )


def test_a_folder_with_pickled_weights_is_refused(tmp_path):
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    with pytest.raises(InputError, match=r"pytorch_model.bin: is a pickle"):
        text_backbone.pretrained(str(tmp_path), 128)


def test_a_path_that_is_no_folder_is_not_asked_of_the_hub(tmp_path):
    with pytest.raises(InputError, match=r"no such folder. A backbone's folder holds config.json"):
        text_backbone.pretrained(str(tmp_path / "nowhere"), 128)


def test_without_a_network_the_error_says_which_file_goes_where(tmp_path, monkeypatch):
    def no_network(*args, **more):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError) as caught:
        text_backbone.pretrained("no-such-owner/no-such-encoder", 128)
    text = str(caught.value)
    assert "huggingface.co can't be reached" in text
    assert "put config.json, tokenizer.json, model.safetensors of" in text
    assert "https://huggingface.co/no-such-owner/no-such-encoder into a folder" in text
    assert text.endswith("pass --backbone FOLDER.")


def test_a_cached_name_loads_without_a_network(tmp_path, monkeypatch):
    import huggingface_hub

    def no_network(*args, **more):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda name, file: "/cache/config.json")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert text_backbone._only_cached("someone/encoder") is True


def test_a_model_that_writes_text_is_no_encoder(tmp_path):
    sizes = {"d_model": 8, "num_layers": 1, "num_heads": 2, "d_ff": 8, "d_kv": 4}
    folder(tmp_path, "t5", **sizes)
    with pytest.raises(InputError, match="is a t5; an encoder such as BERT was expected"):
        text_backbone.pretrained(str(tmp_path), 128)


def test_an_unknown_architecture_is_said_in_words():
    with pytest.raises(InputError, match="backbone: transformers can't build it"):
        text_backbone.from_config({"model_type": "no-such-thing"})


def test_text_models_do_without_torchvision():
    import subprocess

    code = (
        "import sys; sys.modules['torchvision'] = None\n"
        "import models.text_adapter, models.text_backbone\n"
        "models.text_backbone.from_config({'model_type': 'distilbert', 'dim': 8, 'n_layers': 1, 'n_heads': 2,"
        " 'hidden_dim': 8, 'vocab_size': 9})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
