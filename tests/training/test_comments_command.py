"""The comments script end to end."""

import argparse
import csv
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from audit.errors import InputError  # noqa: E402
from dashboard.cli.main import main  # noqa: E402
from training import comments  # noqa: E402

torch = pytest.importorskip("torch", reason="needs the extra [models]")

from training.comment_data import prepare, rarity_weights, truth_of  # noqa: E402
from training.data.records import LABELS  # noqa: E402

pytest.importorskip("lightning", reason="needs the extra [models]")


pytest.importorskip("transformers", reason="needs the extra [models]")


PLAIN = ["the", "tea", "rain", "page", "edit", "talk", "source", "please", "today", "article", "thanks"]


BAD = {"toxic": "zork", "obscene": "blarg", "insult": "dolt", "threat": "smite"}


def write(path, rows=700, seed=0, split=True):
    """Comments of a made-up language in which one word makes a label."""
    chance = np.random.default_rng(seed)
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["id", "comment_text", *LABELS, *(["split"] if split else [])])
        for row in range(rows):
            words = list(chance.choice(PLAIN, chance.integers(3, 25)))
            has = {
                label: chance.random() < rate for label, rate in zip(BAD, (0.3, 0.2, 0.2, 0.1), strict=True)
            }
            for label, bad in BAD.items():
                if has[label]:
                    words.insert(int(chance.integers(len(words))), bad)
            words += [f"n{row}"]  # no two rows are copies
            split_word = ("train", "train", "train", "validation", "test")[row % 5]
            labels = [int(has.get(label, False)) for label in LABELS]
            out.writerow([f"c{row}", " ".join(words), *labels, *([split_word] if split else [])])
    return path


def flags(*words):
    parser = argparse.ArgumentParser()
    comments.add_arguments(parser)
    return parser.parse_args(["--accelerator", "cpu", *map(str, words)])


def test_losses_of_known_values():
    chance = np.random.default_rng(0)
    logits = torch.from_numpy(chance.normal(size=(40, 2))).float()
    truth = torch.from_numpy(chance.integers(0, 2, (40, 2))).float()

    def net(ids, mask):
        return logits

    batch = (None, None, truth)
    expected = log_loss(truth.flatten(), torch.sigmoid(logits).flatten().double())
    assert float(comments.make_loss("bce", None)(net, batch)) == pytest.approx(expected, rel=1e-5)
    assert float(comments.make_loss("focal", None, gamma=0.0)(net, batch)) == pytest.approx(
        expected, rel=1e-5
    )
    p = torch.where(truth == 1, torch.sigmoid(logits), 1 - torch.sigmoid(logits))
    focal = float((-((1 - p) ** 2) * p.log()).mean())
    assert float(comments.make_loss("focal", None)(net, batch)) == pytest.approx(focal, rel=1e-5)
    weights = np.array([3.0, 7.0])
    weighted = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, truth, pos_weight=torch.from_numpy(weights).float()
    )
    assert float(comments.make_loss("bce", weights)(net, batch)) == pytest.approx(float(weighted), rel=1e-5)


def test_labels_that_are_not_known_cost_nothing():
    logits = torch.tensor([[2.0, -50.0]], requires_grad=True)
    loss = comments.make_loss("bce", None)(
        lambda ids, mask: logits, (None, None, torch.tensor([[1.0, -1.0]]))
    )
    assert loss.item() == pytest.approx(np.log1p(np.exp(-2.0)), rel=1e-6)
    loss.backward()
    assert logits.grad[0, 1] == 0


def test_weights_of_positives_are_the_ratio_or_its_root_and_have_a_cap():
    truth = np.zeros((1000, 2), np.int8)
    truth[:100, 0] = truth[:1, 1] = 1
    assert comments.positive_weights(truth, "none") is None
    assert comments.positive_weights(truth, "balanced").tolist() == [9.0, 20.0]
    assert comments.positive_weights(truth, "sqrt").tolist() == [3.0, 20.0]


def test_rows_of_rare_labels_are_drawn_more_often():
    truth = np.zeros((500, 2), np.int8)
    truth[:100, 0] = truth[:4, 1] = 1
    assert rarity_weights(truth, 0) is None
    weights = rarity_weights(truth, 0.5)
    assert (weights[:4], weights[4:100].max(), weights[100:].max()) == (pytest.approx([5] * 4), 1, 1)


def test_metrics_leave_out_labels_that_can_not_be_told():
    chance = np.random.default_rng(0)
    logits = chance.normal(size=(200, 3))
    truth = (logits + chance.normal(size=logits.shape) > 0.5).astype(np.int8)
    truth[:, 1] = 0
    truth[0, 1] = 1
    truth[:, 2] = 0
    found = comments.metrics(logits, truth, ("a", "b", "c"))
    assert found["auc"] == found["auc.a"] == pytest.approx(roc_auc_score(truth[:, 0], logits[:, 0]))
    assert set(found) == {"auc", "log_loss", "auc.a", "auc.b"}
    with pytest.raises(InputError, match="no label has both yes and no"):
        comments.metrics(logits, np.zeros_like(truth), ("a", "b", "c"))


def test_data_without_a_split_are_split_by_the_seed(tmp_path):
    path = write(tmp_path / "c.csv", 300, split=False)
    one, again, other = prepare(path, 0), prepare(path, 0), prepare(path, 1)
    assert (one.split == again.split).all()
    assert (one.split != other.split).any()
    assert one.sha256 == other.sha256
    assert truth_of(one.data, ("threat", "toxic")).shape == (300, 2)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--length", "3"], "--length: must be at least 4; got 3."),
        (["--rare-power", "2"], "--rare-power: must be from 0 to 1; got 2.0."),
        (["--head-rate", "0"], "--head-rate: must be above 0; got 0.0."),
        ([], "--weights-out: a folder for the weights was expected; none came."),
    ],
)
def test_flags_that_can_not_be_are_named(tmp_path, words, text):
    path = write(tmp_path / "c.csv", 50)
    more = ["--weights-out", tmp_path] if words else []
    with pytest.raises(InputError) as caught:
        comments.train(flags("--data", path, *words, *more))
    assert str(caught.value) == text


def test_help_of_a_model_imports_no_framework():
    code = (
        "import sys\n"
        "from dashboard.cli.main import main\n"
        "code = main(['train', 'comments', '--help'])\n"
        "assert not {'torch', 'lightning', 'transformers'} & set(sys.modules)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for flag in ("--backbone", "--baseline", "--resume", "--devices", "--rare-power", "--precision"):
        assert flag in done.stdout


def test_a_model_must_be_named(capsys):
    assert main(["train"]) == 1
    assert "MODEL" in capsys.readouterr().err
