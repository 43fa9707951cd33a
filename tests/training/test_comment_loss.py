import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

torch = pytest.importorskip("torch", reason="needs the extra [models]")
pytest.importorskip("lightning", reason="needs the extra [models]")
pytest.importorskip("transformers", reason="needs the extra [models]")

from audit.errors import InputError  # noqa: E402
from training import comments  # noqa: E402
from training.comment_data import rarity_weights  # noqa: E402

pytestmark = pytest.mark.models


def test_the_head_learns_faster_and_decay_is_on_matrices_only():
    from torch import nn

    from training.fit import FitConfig

    net = nn.ModuleDict({"encoder": nn.Linear(3, 3), "head": nn.Linear(3, 2)})
    config = FitConfig(out=None, learning_rate=0.01, weight_decay=0.1)
    groups = comments.faster_head(10.0)(net, config)
    assert [(g["lr"], g["weight_decay"], len(g["params"])) for g in groups] == [
        (0.01, 0.1, 1), (0.01, 0.0, 1), (0.1, 0.1, 1), (0.1, 0.0, 1),
    ]  # fmt: skip
    assert groups[2]["params"][0] is net["head"].weight


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
