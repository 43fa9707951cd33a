import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra [models]")

from training.batches import EpochBatches  # noqa: E402

pytestmark = pytest.mark.models


def test_every_row_comes_once_an_epoch_and_the_order_changes():
    batches = EpochBatches(25, 4, seed=1)
    first = [row for batch in batches for row in batch]
    batches.set_epoch(1)
    second = [row for batch in batches for row in batch]
    assert sorted(first) == sorted(second) == list(range(25))
    assert first != second
    assert len(batches) == 7


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_share_all_rows_and_have_equally_many_batches(ranks, monkeypatch):
    seen, counts = [], []
    for rank in range(ranks):
        batches = EpochBatches(50, 4, seed=1)
        monkeypatch.setattr(batches, "_share", lambda rank=rank: (rank, ranks))
        own = list(batches)
        counts.append(len(own))
        assert len(own) == len(batches)
        seen += [row for batch in own for row in batch]
    assert set(seen) == set(range(50))
    assert len(set(counts)) == 1


def test_batches_by_length_need_a_fraction_of_the_padding():
    lengths = np.random.default_rng(0).geometric(1 / 40, 2000)

    def padding(batches):
        rows = [lengths[batch] for batch in batches]
        return sum(int((row.max() - row).sum()) for row in rows)

    by_length, by_chance = EpochBatches(2000, 16, lengths=lengths), EpochBatches(2000, 16)
    assert sorted(r for b in by_length for r in b) == list(range(2000))
    assert padding(by_length) < 0.1 * padding(by_chance)


def test_weights_draw_rows_in_proportion():
    weights = np.ones(1000)
    weights[:10] = 50
    drawn = [row for batch in EpochBatches(1000, 10, weights=weights) for row in batch]
    share = np.mean(np.array(drawn) < 10)
    assert share == pytest.approx(500 / 1490, abs=0.05)
