from urllib.error import URLError

import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")
torchvision = pytest.importorskip("torchvision", reason="needs the extra [models]")

from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

from audit.errors import InputError  # noqa: E402
from models.backbones import build, flops, names, parameters  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("name", "head"),
    [("resnet18", "fc"), ("mobilenet_v3_small", "classifier.3"), ("shufflenet_v2_x0_5", "fc")],
)
def test_features_are_what_torchvision_s_own_head_reads(name, head):
    torch.manual_seed(0)
    whole = torchvision.models.get_model(name, weights=None).eval()
    backbone = build(name).eval()
    state = {key: value for key, value in whole.state_dict().items() if not key.startswith(head)}
    assert backbone.network.load_state_dict(state, strict=True)
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        features = backbone(images)
        torch.testing.assert_close(whole.get_submodule(head)(features), whole(images), rtol=1e-4, atol=1e-5)
    assert features.shape == (2, backbone.width)


@pytest.mark.parametrize(
    "name",
    [
        "alexnet",
        "densenet121",
        "efficientnet_b0",
        "googlenet",
        "mnasnet0_5",
        "regnet_y_400mf",
        "squeezenet1_1",
    ],
)
def test_every_family_gives_a_vector_of_its_width(name):
    backbone = build(name).eval()
    with torch.inference_mode():
        assert backbone(torch.zeros(2, 3, 80, 80)).shape == (2, backbone.width)


def test_auxiliary_heads_are_not_in_the_way_of_training():
    backbone = build("googlenet").train()
    assert backbone(torch.zeros(2, 3, 64, 64)).shape == (2, 1024)


def test_only_classification_networks_are_listed():
    assert {"resnet18", "squeezenet1_1", "vit_b_16"} <= set(names())
    assert not any("segmentation" in name or "rcnn" in name or "raft" in name for name in names())


def test_an_unknown_name_says_what_is_near():
    with pytest.raises(InputError) as caught:
        build("resnet19")
    assert str(caught.value).startswith(
        "backbone 'resnet19': torchvision has no classification network of that name. Near it: resnet18, "
    )


def test_a_transformer_refuses_another_size():
    with pytest.raises(InputError, match="reads pictures of 224 pixels only; 112 were asked for"):
        build("vit_b_32", size=112)


def test_operations_of_known_layers():
    conv = nn.Conv2d(3, 8, 3, padding=1)
    assert flops(conv, 10) == 2 * 3 * 8 * 3 * 3 * 10 * 10
    strided = nn.Sequential(nn.Conv2d(3, 4, 2, stride=2, groups=1), nn.Flatten(), nn.Linear(4 * 5 * 5, 7))
    assert flops(strided, 10) == 2 * 3 * 4 * 2 * 2 * 5 * 5 + 2 * 100 * 7
    assert strided.training


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "squeezenet1_1"])
def test_operations_and_parameters_are_those_that_torchvision_publishes(name):
    meta = torchvision.models.get_model_weights(name).DEFAULT.meta
    backbone = build(name)
    # the head is off: one product a class and feature, SqueezeNet's at each of 13 x 13 places
    places = 13 * 13 if name == "squeezenet1_1" else 1
    multiply_adds = flops(backbone, 224) / 2 + backbone.width * 1000 * places
    assert multiply_adds / 1e9 == pytest.approx(meta["_ops"], rel=0.02)
    assert parameters(backbone) == meta["num_params"] - (backbone.width * 1000 + 1000)


def test_local_weights_with_or_without_a_head(tmp_path):
    torch.manual_seed(0)
    whole = torchvision.models.squeezenet1_1(weights=None)
    state = whole.state_dict()
    save_file(state, tmp_path / "whole.safetensors")
    (tmp_path / "folder").mkdir()
    save_file(
        {k: v for k, v in state.items() if "classifier" not in k}, tmp_path / "folder" / "x.safetensors"
    )
    for path in (tmp_path / "whole.safetensors", tmp_path / "folder"):
        built = build("squeezenet1_1", str(path))
        assert torch.equal(built.network.features[0].weight, state["features.0.weight"])
        assert torch.equal(built.network.features[12].expand3x3.bias, state["features.12.expand3x3.bias"])


def test_a_trained_model_s_backbone_can_begin_another(tmp_path):
    from models.faces import FacesConfig, FacesNetwork

    network = FacesNetwork(FacesConfig(backbone="squeezenet1_1", size=32))
    save_file({k: v.clone() for k, v in network.state_dict().items()}, tmp_path / "faces.safetensors")
    again = build("squeezenet1_1", str(tmp_path / "faces.safetensors"))
    assert torch.equal(
        again.network.features[3].squeeze.weight, network.backbone.network.features[3].squeeze.weight
    )


def test_weights_that_do_not_fit_are_refused(tmp_path):
    state = torchvision.models.squeezenet1_1(weights=None).state_dict()
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(
        InputError, match=r"does not fit resnet18: 120 tensors missing, the first is conv1\.weight"
    ):
        build("resnet18", str(tmp_path / "a.safetensors"))
    state["features.0.weight"] = torch.zeros(64, 3, 5, 5)
    save_file(state, tmp_path / "b.safetensors")
    with pytest.raises(InputError, match=r"1 tensors of another shape, the first is features\.0\.weight"):
        build("squeezenet1_1", str(tmp_path / "b.safetensors"))
    (tmp_path / "c.safetensors").write_bytes(b"no tensors here, none at all")
    with pytest.raises(InputError, match="is not a safetensors file"):
        build("squeezenet1_1", str(tmp_path / "c.safetensors"))
    with pytest.raises(InputError, match="this one holds 3"):
        build("squeezenet1_1", str(tmp_path))
    with pytest.raises(
        InputError, match=r"no such weights file or folder\. Weights are 'random', 'default', or"
    ):
        build("squeezenet1_1", str(tmp_path / "nowhere"))


def test_offline_the_error_says_which_file_belongs_where(tmp_path, monkeypatch):
    def no_network(*_args, **_options):
        raise URLError("Name or service not known")

    monkeypatch.setattr(torch.hub, "urlopen", no_network)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(InputError) as caught:
        build("resnet18", "default")
    url = torchvision.models.ResNet18_Weights.DEFAULT.url
    where = tmp_path / "checkpoints" / "resnet18-f37072fd.pth"
    assert f"Put {url} at {where}, or give a local safetensors file" in str(caught.value)


def test_a_cached_file_with_another_hash_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "resnet18-f37072fd.pth").write_bytes(b"x")
    with pytest.raises(InputError, match="its SHA-256 should begin with f37072fd; it begins with 2d711642"):
        build("resnet18", "default")


def test_published_weights_are_read_from_the_cache(tmp_path, monkeypatch):
    import hashlib
    import io

    state = torchvision.models.shufflenet_v2_x0_5(weights=None).state_dict()
    kept = io.BytesIO()
    torch.save(state, kept)
    real = torchvision.models.ShuffleNet_V2_X0_5_Weights.DEFAULT
    mark = hashlib.sha256(kept.getvalue()).hexdigest()[:8]
    monkeypatch.setattr(type(real), "url", f"https://nowhere.invalid/net-{mark}.pth")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / f"net-{mark}.pth").write_bytes(kept.getvalue())
    built = build("shufflenet_v2_x0_5", "default")
    assert torch.equal(built.network.conv1[0].weight, state["conv1.0.weight"])


def test_a_frozen_backbone_learns_nothing_not_even_statistics():
    backbone = build("resnet18").freeze(True).train()
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    backbone(torch.randn(4, 3, 32, 32))
    assert not any(p.requires_grad for p in backbone.parameters())
    assert all(torch.equal(before[key], value) for key, value in backbone.state_dict().items())
    backbone.freeze(False).train()
    backbone(torch.randn(4, 3, 32, 32))
    assert all(p.requires_grad for p in backbone.parameters())
    assert not torch.equal(before["network.bn1.running_mean"], backbone.network.bn1.running_mean)
