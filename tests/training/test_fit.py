import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")
pytest.importorskip("lightning", reason="needs the extra [models]")

from torch import nn  # noqa: E402
from torch.utils.data import TensorDataset  # noqa: E402

from audit.errors import InputError  # noqa: E402
from training.batches import EpochBatches, loader  # noqa: E402
from training.fit import FitConfig, fit, history, seeded, to_device  # noqa: E402

pytestmark = pytest.mark.models


def data(rows=60):
    chance = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 4, generator=chance)
    return TensorDataset(x, (x @ torch.tensor([1.0, -1.0, 0.5, 0.0]) > 0).float())


def network(dropout=0.0):
    seeded(3)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 1))


def loss(net, batch):
    return nn.functional.binary_cross_entropy_with_logits(net(batch[0]).squeeze(1), batch[1])


def evaluate(net, batches):
    pairs = [to_device(batch, net) for batch in batches]
    return {"nll": float(np.mean([float(loss(net, pair)) for pair in pairs]))}


def config(out, **more):
    given = {"epochs": 3, "batch_size": 10, "learning_rate": 0.02, "log_every": 1, "accelerator": "cpu"}
    return FitConfig(out=out, **{**given, **more})


def train(out, net=None, rows=None, evaluated=evaluate, lossed=loss, **more):
    net = net or network()
    rows = rows or data()
    settings = config(out, **more)
    batches = loader(rows, settings.batch_size, train=True, seed=settings.seed)
    result = fit(
        net, lossed, evaluated, batches, loader(rows, 60, train=False), settings, monitor="nll", mode="min"
    )
    return net, result


def weights_of(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_losses_are_those_of_a_loop_written_out_in_plain_torch(tmp_path):
    net, result = train(tmp_path, warmup_share=0.2, weight_decay=0.1, gradient_clip=0.05)

    twin, rows = network(), data()
    matrices = [p for p in twin.parameters() if p.ndim == 2]
    rest = [p for p in twin.parameters() if p.ndim == 1]
    adam = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=0.02
    )
    expected, steps, warm, step = [], 18, 3, 0
    for epoch in range(3):
        order = EpochBatches(60, 10, seed=0)
        order.set_epoch(epoch)
        for batch in order:
            share = (step + 1) / (warm + 1) if step < warm else 0.5 * (
                1 + math.cos(math.pi * (step - warm) / (steps - warm))
            )  # fmt: skip
            for group in adam.param_groups:
                group["lr"] = 0.02 * share
            adam.zero_grad()
            value = loss(twin, rows[batch])
            value.backward()
            nn.utils.clip_grad_norm_(twin.parameters(), 0.05)
            adam.step()
            expected.append(float(value.detach()))
            step += 1
    assert [at for at, _ in result.losses] == list(range(1, 19))
    np.testing.assert_allclose([value for _, value in result.losses], expected, rtol=2e-5)
    assert result.best_epoch == 2
    torch.testing.assert_close(weights_of(net), weights_of(twin), rtol=1e-4, atol=1e-6)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path):
    runs = [train(tmp_path / str(i), network(0.3), seed=seed) for i, seed in enumerate((5, 5, 6))]
    first, again, other = (weights_of(net) for net, _ in runs)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_network_is_left_with_the_best_epoch_and_the_run_stops_when_it_gets_no_better(tmp_path):
    seen = []

    def worse_from_the_second_epoch(net, batches):
        seen.append(weights_of(net).clone())
        return {"nll": [0.5, 0.4, 0.6, 0.7, 0.8][len(seen) - 1]}

    net, result = train(tmp_path, evaluated=worse_from_the_second_epoch, epochs=5, patience=2)
    assert (result.stopped, result.best_epoch, result.best_value) == ("patience", 1, 0.4)
    assert len(result.history) == 4
    assert torch.equal(weights_of(net), seen[1])
    assert not net.training
    _, again = train(tmp_path, evaluated=worse_from_the_second_epoch, epochs=5, patience=2, resume=True)
    assert len(seen) == 4  # a run that stopped by itself is not taken up again
    assert again.stopped == "patience"
    assert again.best_epoch == 1


def test_a_time_budget_stops_within_an_epoch(tmp_path):
    def slow(net, batch):
        time.sleep(0.02)
        return loss(net, batch)

    _, result = train(tmp_path, lossed=slow, epochs=1000, minutes=0.3 / 60)
    assert result.stopped == "budget"
    assert 1 <= result.steps < 60
    assert result.history[-1]["loss"] > 0


def test_a_loss_that_is_no_number_ends_the_run_with_advice(tmp_path):
    def broken(net, batch):
        return loss(net, batch) * float("nan")

    with pytest.raises(InputError, match=r"step 1: the loss is nan.*Lower --learning-rate"):
        train(tmp_path, lossed=broken)


def test_parts_of_a_loss_are_in_the_history(tmp_path):
    def parts(net, batch):
        value = loss(net, batch)
        return {"loss": value * 2, "half": value}

    _, result = train(tmp_path, lossed=parts, epochs=1)
    entry = result.history[0]
    assert entry["loss"] == pytest.approx(2 * entry["loss.half"], rel=1e-6)
    assert history(tmp_path)[0] == pytest.approx(entry)


def test_a_metric_may_not_take_the_name_of_the_training_loss(tmp_path):
    with pytest.raises(InputError, match="evaluate: gave loss, which"):
        train(tmp_path, evaluated=lambda net, batches: {"nll": 1.0, "loss": 2.0})


def test_a_keyboard_interrupt_stays_one(tmp_path):
    def interrupted(net, batch):
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, lossed=interrupted)
    assert signal.getsignal(signal.SIGINT) is before


def test_checkpoints_open_without_running_anything(tmp_path):
    train(tmp_path, epochs=1)
    for name in ("best", "last"):
        kept = torch.load(tmp_path / "checkpoints" / f"{name}.ckpt", weights_only=True)
        assert "network.0.weight" in kept["state_dict"]


def test_pictures_and_tensorboard_files_are_left(tmp_path):
    train(tmp_path, epochs=2)
    assert (tmp_path / "curves.svg").read_text().count("<svg") == 1
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
    (events,) = (tmp_path / "tensorboard").glob("events.out.tfevents.*")
    assert events.stat().st_size > 300


def test_a_run_of_other_data_is_not_resumed(tmp_path):
    train(tmp_path, epochs=1, identity="aaaa")
    with pytest.raises(InputError, match=r"other data or another network \(aaaa, not bbbb\)"):
        train(tmp_path, epochs=2, identity="bbbb", resume=True)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"epochs": 0}, "--epochs: must be at least 1; got 0."),
        ({"learning_rate": -1.0}, "--learning-rate: must be above 0 and below 10; got -1.0."),
        ({"warmup_share": 1.0}, "--warmup-share: must be at least 0 and below 1; got 1.0."),
        ({"precision": "8"}, "--precision: must be one of 32, bf16, 16; got '8'."),
        ({"minutes": 0.0}, "--minutes: must be above 0; got 0.0."),
    ],
)
def test_settings_that_can_not_be_are_named(tmp_path, more, text):
    with pytest.raises(InputError) as caught:
        train(tmp_path, **more)
    assert str(caught.value) == text


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_missing_device_is_said_in_words(tmp_path):
    with pytest.raises(InputError, match="Lightning refuses"):
        train(tmp_path, accelerator="gpu")


def test_bf16_trains(tmp_path):
    _, result = train(tmp_path, precision="bf16", epochs=8)
    assert result.history[-1]["loss"] < 0.8 * result.history[0]["loss"]


SCRIPT = """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    import torch
    import test_fit as t

    def slow(net, batch):
        time.sleep({sleep})
        return t.loss(net, batch)

    if __name__ == "__main__":
        out = Path({out!r})
        net, result = t.train(out, t.network({dropout}), lossed=slow, **{more!r})
        if result.main:
            torch.save(t.weights_of(net), out / "weights.pt")
        (out / f"main-{{result.main}}").write_text(str(result.steps))
"""


def script(tmp_path, name, out, sleep=0.0, dropout=0.0, **more):
    path = tmp_path / name
    text = SCRIPT.format(
        tests=str(Path(__file__).parent), out=str(out), sleep=sleep, dropout=dropout, more=more
    )
    path.write_text(textwrap.dedent(text))
    return [sys.executable, str(path)]


def wait_for(path, process, seconds=120):
    end = time.monotonic() + seconds
    while not path.is_file():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.01)


def test_a_run_killed_with_sigkill_resumes_to_the_weights_of_one_that_was_not(tmp_path):
    whole, _ = train(tmp_path / "whole", network(0.3), epochs=4)
    out = tmp_path / "killed"
    command = script(tmp_path, "killed.py", out, sleep=0.15, dropout=0.3, epochs=4)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_for(out / "checkpoints" / "last.ckpt", process)
        time.sleep(0.3)  # into the second epoch
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert 1 <= len(history(out)) < 4
    resumed, result = train(out, network(0.3), epochs=4, resume=True)
    assert len(result.history) == 4
    assert torch.equal(weights_of(resumed), weights_of(whole))


def test_two_processes_learn_what_one_learns_from_two_batches_at_a_time(tmp_path):
    out = tmp_path / "two"
    command = script(tmp_path, "two.py", out, epochs=2, devices=2, strategy="ddp")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert (out / "main-True").read_text() == (out / "main-False").read_text() == "6"
    alone, _ = train(tmp_path / "one", epochs=2, accumulate=2)
    together = torch.load(out / "weights.pt", weights_only=True)
    torch.testing.assert_close(together, weights_of(alone), rtol=1e-4, atol=1e-6)


def test_a_foreign_loader_is_refused_where_processes_must_share_it(tmp_path):
    from torch.utils.data import DataLoader

    from training.trainer import _check_ranks

    class Two:
        world_size = 2

    with pytest.raises(InputError, match=r"training.batches.loader"):
        _check_ranks(Two(), DataLoader(data(), 10))
    _check_ranks(Two(), loader(data(), 10, train=True))


def test_history_is_readable_json_with_the_configuration(tmp_path):
    train(tmp_path, epochs=1, identity="x")
    content = json.loads((tmp_path / "history.json").read_text())
    assert (content["identity"], content["stopped"], content["steps"]) == ("x", "epochs", 6)
    assert content["config"]["learning_rate"] == 0.02
    with pytest.raises(InputError, match="no training has finished an epoch here"):
        history(tmp_path / "nowhere")
