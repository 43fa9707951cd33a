import argparse
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")
pytest.importorskip("lightning", reason="needs the extra [models]")
pytest.importorskip("torchvision", reason="needs the extra [models]")

from tiny_pictures import make_faces  # noqa: E402

from audit.errors import InputError  # noqa: E402
from audit.inputs.load import load as read_predictions  # noqa: E402
from audit.spec import Spec  # noqa: E402
from models import faces as model  # noqa: E402
from models.faces import FacesConfig, FacesNetwork  # noqa: E402
from training import faces  # noqa: E402
from training.data.faces import read_faces  # noqa: E402
from training.face_metrics import joint_errors, metrics  # noqa: E402
from training.fit import history  # noqa: E402
from training.predictions import predictions  # noqa: E402

pytestmark = pytest.mark.models
NAN = float("nan")
SMALL = ["--backbone", "shufflenet_v2_x0_5", "--size", "32", "--batch-size", "14", "--augment", "none"]
FAST = ["--learning-rate", "0.01", "--backbone-rate", "1", "--weight-decay", "0", "--dropout", "0"]


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_faces(tmp_path_factory.mktemp("faces") / "data")


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return FacesNetwork(FacesConfig(backbone="shufflenet_v2_x0_5", size=32, edges=(0, 10, 20, 40))).eval()


def parsed(*words):
    parser = argparse.ArgumentParser()
    faces.add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def logits(*p):
    return torch.log(torch.tensor([p], dtype=torch.float64))


def test_age_is_the_expected_value_and_its_spread(network):
    # bins of the years 0-9, 10-19, 20-39: centres 4.5, 14.5, 29.5
    mean, spread = network.expected(logits(0.5, 0.25, 0.25))
    expected = 0.5 * 4.5 + 0.25 * 14.5 + 0.25 * 29.5
    variance = 0.5 * (4.5 - expected) ** 2 + 0.25 * (14.5 - expected) ** 2 + 0.25 * (29.5 - expected) ** 2
    assert float(mean) == pytest.approx(expected, rel=1e-12)
    assert float(spread) == pytest.approx(variance**0.5, rel=1e-12)


def test_a_certain_network_has_no_spread(network):
    mean, spread = network.expected(torch.tensor([[-1e4, 0.0, -1e4]]))
    assert (float(mean), float(spread)) == (14.5, 0.0)


@pytest.mark.parametrize(
    ("low", "high", "probability"),
    [
        (0, 9, 0.5),  # a whole bin
        (10, 39, 0.5),  # two
        (5, 14, 0.5 * 0.5 + 0.25 * 0.5),  # half of each
        (20, 24, 0.25 * 5 / 20),  # a quarter of the wide one
        (33, 33, 0.25 / 20),  # one year
        (70, 120, 0.25 / 20),  # past the last bin: its last year
    ],
)
def test_a_band_s_likelihood_is_the_mass_of_its_years(network, low, high, probability):
    found = network.log_likelihood(logits(0.5, 0.25, 0.25), torch.tensor([[float(low), float(high)]]))
    assert float(found.exp()) == pytest.approx(probability, rel=1e-6)


def test_the_likelihoods_of_all_years_sum_to_one(network):
    years = torch.arange(40.0)[:, None].repeat(1, 2)
    total = network.log_likelihood(logits(0.2, 0.3, 0.5).repeat(40, 1), years).exp().sum()
    assert float(total) == pytest.approx(1, rel=1e-6)


def test_rows_without_a_truth_teach_nothing(network):
    raw = {"age": torch.randn(3, 3, requires_grad=True), "gender": torch.randn(3, requires_grad=True)}
    age = torch.tensor([[0.0, 9.0], [NAN, NAN], [10.0, 19.0]])
    age_loss, gender_loss = network.losses(raw, age, torch.tensor([NAN, 1.0, 0.0]))
    (age_loss + gender_loss).backward()
    assert not raw["age"].grad[1].any()
    assert raw["gender"].grad[0] == 0
    assert raw["age"].grad[[0, 2]].any(1).all()
    expected = -network.log_likelihood(raw["age"][[0, 2]], age[[0, 2]]).mean()
    torch.testing.assert_close(age_loss, expected)
    none, _ = network.losses(raw, torch.full((3, 2), NAN), torch.ones(3))
    assert float(none.detach()) == 0


def test_losses_are_weighed_as_set_or_by_learned_noise():
    shape = {"backbone": "shufflenet_v2_x0_5", "size": 32}
    fixed = FacesNetwork(FacesConfig(**shape, loss_weights=(1.0, 0.5)))
    assert float(fixed.combined(torch.tensor(2.0), torch.tensor(4.0))) == 4.0
    assert not fixed.log_variance.requires_grad
    learned = FacesNetwork(FacesConfig(**shape))
    with torch.no_grad():
        learned.log_variance.copy_(torch.tensor([np.log(4.0), 0.0]))
    found = learned.combined(torch.tensor(2.0), torch.tensor(4.0))
    assert float(found.detach()) == pytest.approx(2 / 4 + np.log(4) / 2 + 4)
    found.backward()  # d/ds (exp(-s) L + s / 2) = -exp(-s) L + 1 / 2
    np.testing.assert_allclose(learned.log_variance.grad, [-0.5 + 0.5, -4 + 0.5], atol=1e-6)


def test_a_golden_forward_with_set_weights():
    network = FacesNetwork(FacesConfig(backbone="squeezenet1_1", size=32, edges=(0, 10, 20, 40))).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.norm.bias.fill_(1.0)  # whatever comes, 512 ones reach the heads
        network.age.weight[1] = 0.01  # logit 5.12 of the second bin
        network.gender.weight.fill_(-0.01)
    scores = network.scores(network(torch.randn(2, 3, 32, 32)))
    high = np.exp(5.12) / (np.exp(5.12) + 2)
    rest = (1 - high) / 2
    np.testing.assert_allclose(scores["age"].detach(), rest * 4.5 + high * 14.5 + rest * 29.5, rtol=1e-5)
    np.testing.assert_allclose(scores["gender"].detach(), 1 / (1 + np.exp(5.12)), rtol=1e-5)


@pytest.mark.parametrize("edges", [(0, 10), (0, 10, 10), (5, 0, 10)])
def test_bins_that_are_none_are_refused(edges):
    with pytest.raises(ValueError, match="edges of age bins increase"):
        FacesConfig(edges=edges)


def test_truth_is_an_interval_of_completed_years(tmp_path):
    rows = [
        "file,age,gender",
        "a.png,20-29,M",
        "b.png,more than 70,F",
        "c.png,33.9,M",
        "d.png,,F",
        "e.png,03-Sep,F",
    ]
    (tmp_path / "faces.csv").write_text("\n".join(rows) + "\n")
    for name in "abcde":
        (tmp_path / f"{name}.png").write_bytes(b"x")
    found = faces.intervals(read_faces(tmp_path).data)
    np.testing.assert_array_equal(found, [[20, 29], [70, 120], [33, 33], [NAN, NAN], [3, 9]])


def test_joint_errors_are_counted_together():
    error = np.array([0.0, -12.0, 3.0, 10.0, 9.9, 20.0])
    wrong = np.array([False, True, True, False, False, True])
    found = joint_errors(error, wrong)
    assert (found.n, found.both_right, found.gender_only, found.age_only, found.both_wrong) == (6, 2, 1, 1, 2)
    assert found.expected_both_wrong == pytest.approx(3 * 3 / 6)
    assert found.lift == pytest.approx(2 / 1.5)
    assert found.mae_right == pytest.approx((0 + 10 + 9.9) / 3)
    assert found.mae_wrong == pytest.approx((12 + 3 + 20) / 3)
    assert np.isnan(joint_errors(np.zeros(0), np.zeros(0, bool)).mae_right)


def test_metrics_leave_out_what_is_unknown():
    found = metrics(
        age=np.array([25.0, 40.0, 7.0]),
        spread=np.array([1.0, 3.0, 9.0]),
        gender=np.array([0.9, 0.5, 0.1]),
        interval=np.array([[20, 29], [30, 39], [NAN, NAN]]),
        true_gender=np.array([1, NAN, 1]),
        midpoint=np.array([24.5, 34.5, NAN]),
    )
    assert found["age_mae"] == pytest.approx((0.5 + 5.5) / 2)
    assert found["age_bias"] == pytest.approx(3.0)
    assert found["age_inside_band"] == 0.5  # 25 lies in 20-29; 40 not in 30-39
    assert found["age_spread"] == 2.0
    assert found["gender_accuracy"] == 0.5
    assert found["both_right"] == 1.0  # one row with both truths


def test_small_pictures_are_learned_saved_and_predicted(data, tmp_path, capsys):
    out = tmp_path / "w"
    assert (
        faces.run(
            parsed("--data", data, "--weights-out", out, "--epochs", 14, "--patience", 0, *SMALL, *FAST)
        )
        == 0
    )
    assert capsys.readouterr().out.splitlines()[-1] == str(out / "model.safetensors")
    card = json.loads((out / "model.json").read_text())
    assert card["model"] == "faces"
    assert card["config"]["genders"] == ["Female", "Male"]
    assert sum(card["data"]["rows"].values()) == 60
    assert card["metrics"]["validation"]["gender_accuracy"] >= 0.9  # a constant has .5
    assert history(out / "work")[-1]["loss"] < history(out / "work")[0]["loss"]

    adapter = model.load(out)
    every = read_faces(data).data
    table = predictions(adapter, every, beside=tmp_path / "elsewhere", clusters=np.arange(60, dtype=np.int32))
    right = (np.array(table["score.gender"]) >= 0.5) == np.array(table["true.gender"]).astype(bool)
    error = np.abs(np.array(table["pred.age"]) - np.array(table["true.age"]))
    assert right.mean() >= 0.9
    assert error.mean() < 10  # the best constant is off by 16 years
    assert np.array(table["spread.age"]).min() > 0
    assert (tmp_path / "elsewhere" / table["image"][0].as_py()).resolve() == (data / "000.png").resolve()

    (tmp_path / "elsewhere").mkdir()
    pq.write_table(table, tmp_path / "elsewhere" / "p.parquet")
    loaded = read_predictions(tmp_path / "elsewhere" / "p.parquet", Spec())
    assert set(loaded.predictions) == {"age", "gender"}
    assert loaded.examples.n == 60
    assert {"gender", "ethnicity", "age_band"} <= set(loaded.examples.attributes)


def test_predictions_say_nothing_of_what_is_unknown(tmp_path, network):
    from models.image_adapter import ImageModel

    made = make_faces(tmp_path / "d", 4)
    rows = (made / "faces.csv").read_text().splitlines()
    rows[1] = "000.png,,Female,A"
    rows[2] = "001.png,30,,B"
    (made / "faces.csv").write_text("\n".join(rows) + "\n")
    table = predictions(ImageModel(network), read_faces(made).data)
    assert table["true.age"].to_pylist()[:2] == [None, 30.0]
    assert table["true.gender"].to_pylist()[:2] == [0, None]
    assert table["split"].to_pylist() == ["test"] * 4
    assert table["image"].to_pylist()[0] == "000.png"
    assert table.schema.field("score.gender").type == pa.float64()


def test_a_run_goes_on_where_it_stopped(data, tmp_path):
    words = ["--data", data, "--patience", 0, *SMALL, "--freeze-epochs", 1]
    whole = faces.train(parsed(*words, "--weights-out", tmp_path / "whole", "--epochs", 3))

    class Killed(RuntimeError):
        pass

    seen = []

    def kill_in_the_last_epoch(metrics):
        seen.append(metrics["nll"])
        if len(seen) == 4:
            raise Killed

    args = parsed(*words, "--weights-out", tmp_path / "cut", "--epochs", 3)
    with pytest.raises(Killed):
        faces.train(args, kill_in_the_last_epoch)
    again = []
    args.resume = True
    resumed = faces.train(args, lambda metrics: again.append(metrics["nll"]))
    assert len(again) == 1  # the heads' epoch and two of three were done
    assert [len(result.history) for result in resumed.results] == [1, 3]
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name


def test_fewer_of_one_group(data, tmp_path):
    words = ["--data", data, "--weights-out", tmp_path / "w", "--epochs", 1, *SMALL]
    faces.train(parsed(*words, "--thin", "ethnicity=A:0.9", "--frozen"))
    card = json.loads((tmp_path / "w" / "model.json").read_text())
    assert card["data"]["thinned"] == ["ethnicity=A:0.9"]
    assert 14 <= card["data"]["rows"]["train"] <= 30  # of 42, about half are A
    with pytest.raises(InputError, match=r"They are gender: Female, Male; ethnicity: A, B"):
        faces.train(parsed(*words, "--thin", "ethnicity=C:0.9"))
    with pytest.raises(InputError, match="a share from 0 to 1 was expected; got 'x'"):
        faces.train(parsed(*words, "--thin", "ethnicity=A:x"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--loss-weights", "1"], "--loss-weights: two numbers or 'learned' were expected; got '1'."),
        (["--bin-years", "0"], "--bin-years: 1 to 50 was expected; got 0."),
    ],
)
def test_flags_that_can_t_be_are_refused(data, tmp_path, words, message):
    with pytest.raises(InputError) as caught:
        faces.train(parsed("--data", data, "--weights-out", tmp_path, *SMALL, *words))
    assert str(caught.value) == message


def test_weights_of_another_model_are_refused(tmp_path, network):
    from models import mushrooms

    config = mushrooms.MushroomsConfig(classes=("a", "b"), backbone="shufflenet_v2_x0_5", size=32)
    mushrooms.save(tmp_path, mushrooms.MushroomsNetwork(config), {})
    with pytest.raises(InputError, match="the card says \"model\": 'mushrooms'; 'faces' was expected"):
        model.load(tmp_path)
