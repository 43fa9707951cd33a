"""`plumbline backbones`: train several backbones and compare them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.cli.train_flags import take_train_flags

if TYPE_CHECKING:
    from dashboard.cli.arguments import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "backbones",
        help="train and compare several backbones",
        description="Train several torchvision backbones on the same pictures and compare quality (with "
        "intervals), parameters, FLOPs, latency by batch, threads, precision and picture size, peak memory "
        "and training time. Writes quality.csv, speed.csv, backbones.json and a chart; each backbone's "
        "weights lie in --out/NAME.",
        epilog="Flags after -- go to every training: plumbline backbones --data DIR --out DIR "
        "--backbones resnet18,squeezenet1_1 -- --epochs 10 --pretrained",
    )
    parser.add_argument(
        "--kind", choices=("mushrooms", "faces"), default="mushrooms", help="default mushrooms"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data; without it, speed alone"
    )
    parser.add_argument(
        "--backbones", type=_words, required=True, metavar="A,B,C", help="torchvision's names"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where everything goes")
    words = "folder with NAME.safetensors or NAME/ for those that begin with local weights"
    parser.add_argument("--weights", type=Path, metavar="DIR", help=words)
    speed = parser.add_argument_group("speed")
    speed.add_argument("--batches", type=_numbers, default=(1, 8, 32), metavar="N,N", help="default 1,8,32")
    speed.add_argument("--threads", type=_numbers, default=(1, 2), metavar="N,N", help="default 1,2")
    speed.add_argument(
        "--precisions", type=_words, default=("fp32", "bf16"), metavar="A,B", help="default fp32,bf16"
    )
    speed.add_argument(
        "--sizes", type=_numbers, default=(), metavar="PIXELS,PIXELS", help="default: the training's"
    )
    speed.add_argument("--device", default="cpu", help="cpu (the default) or cuda")
    take_train_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare, and print the table; the last line is the folder."""
    from audit.errors import InputError, MissingExtraError

    unknown = sorted(set(args.precisions) - {"fp32", "bf16"})
    if unknown:
        raise InputError("--precisions", f"fp32 and bf16 are known; got {', '.join(unknown)}.")
    try:
        import torch  # noqa: F401

        from training.backbone_comparison import compare, quality_rows, write
        from training.backbone_speed import Conditions
    except ModuleNotFoundError as error:
        raise MissingExtraError("a comparison of backbones", "models") from error
    found = compare(
        args.kind,
        args.data,
        args.backbones,
        args.out,
        flags=args.flags,
        weights=args.weights,
        conditions=Conditions(
            sizes=args.sizes,
            batches=args.batches,
            threads=args.threads,
            precisions=args.precisions,
            device=args.device,
        ),
        say=lambda line: print(line, flush=True),
    )
    write(found, args.out)
    for row in quality_rows(found):
        print("  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))
    print(args.out)
    return 0


def _words(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not found:
        raise argparse.ArgumentTypeError("at least one name is needed")
    return found


def _numbers(text: str) -> tuple[int, ...]:
    try:
        found = tuple(dict.fromkeys(int(word) for word in text.split(",")))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"whole numbers with commas between them, not {text!r}") from error
    if min(found) < 1:
        raise argparse.ArgumentTypeError("numbers of at least 1")
    return found
