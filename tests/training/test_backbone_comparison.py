import csv
import json

import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")
pytest.importorskip("torchvision", reason="needs the extra [models]")
pytest.importorskip("lightning", reason="needs the extra [models]")

from tiny_pictures import make_mushrooms  # noqa: E402

from audit.errors import InputError  # noqa: E402
from dashboard.cli.main import main  # noqa: E402
from models.backbones import build, flops, parameters  # noqa: E402
from training import backbone_speed  # noqa: E402
from training.backbone_comparison import compare, local_weights, write  # noqa: E402
from training.backbone_speed import Conditions, measure, measure_here  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setattr(backbone_speed, "MIN_SECONDS", 0.0)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_every_combination_is_measured_and_the_threads_are_restored():
    asked = Conditions(sizes=(48, 32), batches=(2, 1), threads=(1, 2), precisions=("fp32", "bf16"))
    found = measure_here("shufflenet_v2_x0_5", asked)
    assert len({(s.size, s.threads, s.precision, s.batch) for s in found.speeds}) == len(found.speeds) == 16
    assert all(0 < s.p50_ms <= s.p90_ms and s.rounds >= 3 for s in found.speeds)
    assert all(s.pictures_per_second == pytest.approx(s.batch / s.p50_ms * 1000) for s in found.speeds)
    backbone = build("shufflenet_v2_x0_5")
    assert found.parameters == parameters(backbone)
    assert found.flops == {32: flops(backbone, 32), 48: flops(backbone, 48)}
    assert found.peak_mib[48] >= found.peak_mib[32] >= 0
    assert torch.get_num_threads() == 1


def test_a_process_of_its_own_tells_the_memory_of_one_network():
    asked = Conditions(sizes=(64,), batches=(64,), threads=(1,), precisions=("fp32",))
    small, large = measure("shufflenet_v2_x0_5", asked), measure("resnet18", asked)
    weights = 4 * large.parameters / 2**20  # 43 MiB
    assert large.peak_mib[64] > weights
    assert large.peak_mib[64] - small.peak_mib[64] > weights / 2


def test_backbones_are_trained_measured_and_written(tmp_path):
    data = make_mushrooms(tmp_path / "data", 45)
    asked = Conditions(batches=(1, 2), threads=(1,), precisions=("fp32",))
    found = compare(
        "mushrooms",
        data,
        ["shufflenet_v2_x0_5", "squeezenet1_1"],
        tmp_path / "out",
        flags=["--epochs", "1", "--size", "32", "--frozen", "--batch-size", "16"],
        conditions=asked,
        say=lambda line: None,
    )
    names = {path.name for path in write(found, tmp_path / "out")}
    assert names == {"quality.csv", "speed.csv", "backbones.json", "backbones.svg", "backbones.png"}
    with (tmp_path / "out" / "quality.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["backbone"] for row in rows] == ["shufflenet_v2_x0_5", "squeezenet1_1"]
    for row in rows:
        low, value, high = (float(row[name]) for name in ("low", "value", "high"))
        assert 0 <= low <= value <= high <= 1
        assert high - low > 0.3  # seven test rows tell little
        card = json.loads((tmp_path / "out" / row["backbone"] / "model.json").read_text())
        assert card["metrics"]["test"]["accuracy"] == pytest.approx(float(row["value"]), abs=1e-4)
        assert int(row["n"]) == card["data"]["rows"]["test"]
        assert int(row["size"]) == 32
    with (tmp_path / "out" / "speed.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 4
    told = json.loads((tmp_path / "out" / "backbones.json").read_text())
    assert told["about"]["flags"][:2] == ["--epochs", "1"]
    assert "<svg" in (tmp_path / "out" / "backbones.svg").read_text()


def test_local_weights_are_found_by_name(tmp_path):
    (tmp_path / "resnet18.safetensors").write_bytes(b"")
    (tmp_path / "squeezenet1_1").mkdir()
    assert local_weights(tmp_path, "resnet18") == str(tmp_path / "resnet18.safetensors")
    assert local_weights(tmp_path, "squeezenet1_1") == str(tmp_path / "squeezenet1_1")
    assert local_weights(tmp_path, "alexnet") == "random"
    assert local_weights(None, "resnet18") == "random"


def test_a_wrong_name_is_known_before_anything_is_trained(tmp_path):
    with pytest.raises(InputError, match="torchvision has no classification network of that name"):
        compare("mushrooms", tmp_path / "nowhere", ["resnet18", "resnet99"], tmp_path)
    with pytest.raises(InputError, match="one of faces, mushrooms was expected"):
        compare("birds", None, ["resnet18"], tmp_path)


def test_the_command_measures_speed_without_data(tmp_path, capsys):
    words = [
        "backbones",
        "--backbones",
        "shufflenet_v2_x0_5",
        "--out",
        str(tmp_path),
        "--batches",
        "1",
        "--threads",
        "1",
    ]
    assert main([*words, "--precisions", "fp32", "--sizes", "32"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == str(tmp_path)
    assert out[-2].startswith("backbone shufflenet_v2_x0_5  parameters 341792  size 32  flops ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["backbones", "--backbones", "a", "--out", "o", "--precisions", "fp8"],
            "fp32 and bf16 are known; got fp8.",
        ),
        (
            ["backbones", "--backbones", "a", "--out", "o", "--batches", "x"],
            "whole numbers with commas between them",
        ),
        (["backbones", "--backbones", "a", "--out", "o", "--batches", "0"], "numbers of at least 1"),
        (["backbones", "--backbones", ",", "--out", "o"], "at least one name is needed"),
        (
            ["tune", "mushrooms", "--data", "d", "--out", "o", "--minutes", "0"],
            "more than 0 was expected; got 0.0.",
        ),
        (["tune", "mushrooms", "--data", "d", "--out", "o"], "one of the two was expected; neither came."),
    ],
)
def test_wrong_usage_is_one_line(capsys, words, message):
    assert main(words) == 1
    assert message in capsys.readouterr().err
