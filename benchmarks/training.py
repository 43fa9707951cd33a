"""What the training loop and the adapters cost over bare torch: `python -m benchmarks.training`.

Both sides run in one process, in turns, on the same batches. A step is the time from the start of one
loss to the start of the next, so that all that happens between two steps is in it: loading, backward,
clipping, the optimiser, the schedule, logging, progress. The bare loop does forward, backward and the
same AdamW step, on batches made before. Medians over all steps; processor time is printed too, because
it tells the same on a busy machine.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import TensorDataset

from models.image_adapter import ImageModel
from models.image_preprocessing import normalise, to_pixels
from models.mushrooms import MushroomsConfig, MushroomsNetwork
from models.text_adapter import TextModel
from models.text_backbone import from_config
from models.text_network import TextNetwork
from models.tokens import Tokens, learn
from training.batches import loader
from training.comment_data import Encoded
from training.comments import make_loss
from training.fit import FitConfig, fit, seeded

LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
WORDS = 400
ROUNDS = 3
SIZES = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
TINY = {"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 128}


class Clock:
    """Notes when it is struck; pairs of neighbouring strikes are steps."""

    def __init__(self):
        self.wall, self.processor, self.marks = [], [], []

    def strike(self):
        """Note the moment."""
        self.marks.append((time.perf_counter(), time.process_time()))

    def end_of_epoch(self):
        """Turn the moments into steps, the first two of an epoch left out."""
        for (w0, p0), (w1, p1) in zip(self.marks[2:], self.marks[3:], strict=False):
            self.wall.append(w1 - w0)
            self.processor.append(p1 - p0)
        self.marks = []


def comments(rows, seed=0):
    chance = np.random.default_rng(seed)
    words = ["".join(chance.choice(list("abcdefghij"), 5)) for _ in range(WORDS)]
    return [" ".join(chance.choice(words, chance.integers(5, 90))) for _ in range(rows)]


def text_network(sizes):
    texts = comments(512)
    tokens = Tokens(learn(texts, 2000), 96)
    seeded(0)
    config = {"model_type": "bert", "vocab_size": tokens.size, **sizes}
    return TextNetwork(from_config(config), LABELS), tokens


def text_task(sizes, rows, size):
    network, tokens = text_network(sizes)
    truth = np.random.default_rng(0).integers(0, 2, (rows, len(LABELS))).astype(np.int8)
    data = Encoded(tokens, comments(rows, 1), truth)
    lengths = [len(row) for row in data.rows]
    return (
        network,
        make_loss("bce", None),
        loader(data, size, train=True, collate=data.collate, lengths=lengths),
    )


def picture_task(rows, size):
    seeded(0)
    layers = [
        nn.Conv2d(3, 32, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(64, 64, 3, 2, 1),
    ]
    network = nn.Sequential(*layers, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 5))
    data = TensorDataset(torch.randn(rows, 3, 96, 96), torch.randint(0, 5, (rows,)))
    return (
        network,
        lambda net, batch: nn.functional.cross_entropy(net(batch[0]), batch[1]),
        loader(data, size, train=True, workers=1),
    )


def bare_epoch(network, loss, batches, optimiser, clock):
    network.train()
    for batch in batches:
        clock.strike()
        optimiser.zero_grad()
        loss(network, batch).backward()
        optimiser.step()
    clock.end_of_epoch()


def loop_epoch(network, loss, batches, folder, clock):
    def struck(net, batch):
        clock.strike()
        return loss(net, batch)

    config = FitConfig(out=Path(folder), epochs=1, accelerator="cpu", learning_rate=1e-4)
    with redirect_stderr(io.StringIO()):
        fit(network, struck, lambda net, _: {"nll": 0.0}, batches, [], config, monitor="nll", mode="min")
    clock.end_of_epoch()


def compare_loops(name, network, loss, batches):
    made = list(batches)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-4, fused=True)
    bare, ours = Clock(), Clock()
    for _ in range(ROUNDS):
        bare_epoch(network, loss, made, optimiser, bare)
        with tempfile.TemporaryDirectory() as folder:
            loop_epoch(network, loss, batches, folder, ours)
    show(f"training step, {name}", ours, bare, 1.15)


def compare_predictions(sizes, rows):
    """The adapter, from strings to probabilities, against forwards on batches that were padded before."""
    network, tokens = text_network(sizes)
    model = TextModel(network.eval(), tokens)
    texts = comments(rows, 2)
    encoded = tokens.encode(texts)
    order = sorted(range(rows), key=lambda i: -len(encoded[i]))
    batches = [tokens.batch([encoded[i] for i in order[at : at + 64]]) for at in range(0, rows, 64)]
    bare, ours = Clock(), Clock()
    for round_ in range(ROUNDS * 3 + 1):
        for clock, work in (
            (bare, lambda: [network(*batch) for batch in batches]),
            (ours, lambda: model.predict(texts)),
        ):
            start = time.perf_counter(), time.process_time()
            with torch.inference_mode():
                work()
            if round_:  # the first warms up
                clock.wall.append(time.perf_counter() - start[0])
                clock.processor.append(time.process_time() - start[1])
    show(f"{rows} predictions through the adapter", ours, bare, 1.10)


def compare_pictures(backbone, size, rows):
    """The adapter, from uint8 pictures to scores, against forwards on tensors normalised before."""
    seeded(0)
    network = MushroomsNetwork(MushroomsConfig(classes=("a", "b", "c"), backbone=backbone, size=size))
    model = ImageModel(network)
    chance = np.random.default_rng(3)
    pictures = [chance.integers(0, 256, (size, size, 3), dtype=np.uint8) for _ in range(rows)]
    at_once = model.batch_size
    pixels = [to_pixels(pictures[at : at + at_once], size) for at in range(0, rows, at_once)]
    ready = [normalise(batch) for batch in pixels]
    bare, ours = Clock(), Clock()
    for round_ in range(ROUNDS * 5 + 1):
        for clock, work in (
            (bare, lambda: [network.scores(network(batch)) for batch in ready]),
            (ours, lambda: model.predict(pictures)),
        ):
            start = time.perf_counter(), time.process_time()
            with torch.inference_mode():
                work()
            if round_:
                clock.wall.append(time.perf_counter() - start[0])
                clock.processor.append(time.process_time() - start[1])
    show(f"{rows} pictures through the adapter, {backbone} at {size}", ours, bare, 1.10)


def show(name, ours, bare, target):
    ratios = []
    for kind in ("wall", "processor"):
        a, b = (statistics.median(getattr(clock, kind)) for clock in (ours, bare))
        ratios.append(a / b)
        print(f"{name:<52} {kind:<9} bare {b * 1e3:8.2f} ms  ours {a * 1e3:8.2f} ms  ratio {a / b:.3f}")
    verdict = "within" if ratios[1] <= target else "ABOVE"
    print(f"{'':<52} {verdict} the target of {target} by processor time; {len(bare.wall)} timings each\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    busy = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"torch {torch.__version__}, {args.threads} thread(s), {busy}\n")
    compare_loops("small conv net, 32 pictures of 96 x 96", *picture_task(1600, 32))
    compare_loops("one layer of width 64, 32 comments", *text_task(TINY, 1600, 32))
    compare_predictions(TINY, 512)
    compare_pictures("squeezenet1_1", 112, 256)
    if not args.quick:
        compare_pictures("mobilenet_v3_small", 160, 256)
        compare_pictures("resnet18", 160, 128)
        compare_loops("MiniLM's shape, 16 comments", *text_task(SIZES, 160, 16))
        compare_predictions(SIZES, 256)


if __name__ == "__main__":
    main()
