"""`plumbline demo`: data with planted faults, audited: what an audit finds and what it leaves alone."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.cli.arguments import add_runs

if TYPE_CHECKING:
    from audit.core import AuditRun, Finding
    from dashboard.cli.arguments import Subparsers
    from dashboard.demo_data import Fault

ROWS, FAST_ROWS = 20_000, 6_000


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "demo",
        help="synthesise data with planted faults, audit two versions, say how to browse",
        description="Synthesise predictions with planted faults, audit two versions, and say what was found.",
    )
    parser.add_argument("--fast", action="store_true", help=f"{FAST_ROWS:,} rows a file instead of {ROWS:,}")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("demo"),
        metavar="DIR",
        help="where to write the data (default: ./demo)",
    )
    add_runs(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Synthesise, audit, compare with what was planted."""
    from dashboard.demo_data import FACE_FAULTS, REMARK_FAULTS, write_faces, write_remarks

    rows = FAST_ROWS if arguments.fast else ROWS
    missed = 0
    folders: list[Path] = []
    todo: list[tuple[str, Callable[[Path, str, int], None], Sequence[Fault]]] = [
        ("demo-faces", write_faces, FACE_FAULTS),
        ("demo-remarks", write_remarks, REMARK_FAULTS),
    ]
    for name, write, faults in todo:
        for version in ("1", "2"):
            file = arguments.data / f"{name}-{version}.csv"
            write(file, version, rows)
            made, folder = _audit(file, name, version, arguments.runs)
            folders.append(folder)
            missed += _compare(made, [fault for fault in faults if fault.version == version])
    where = "" if arguments.runs == Path("runs") else f" --runs {arguments.runs}"
    print(
        f"\nWhat was planted, and where: {arguments.data} holds the files, dashboard/demo_data.py the list."
    )
    print(f"Browse the runs:    plumbline dashboard{where}")
    print(f"One of them as PDF: plumbline report demo-faces/1{where} -o report.pdf")
    print(folders[0])
    return 1 if missed else 0


def _audit(file: Path, name: str, version: str, runs: Path) -> tuple[AuditRun, Path]:
    from audit.executors import local
    from audit.runner import audit_predictions
    from audit.spec import AttributeSpec, OutputSpec, Spec
    from audit.store.read import open_run
    from dashboard import progress

    outputs = {"age": OutputSpec(unit="years")} if name == "demo-faces" else {}
    attributes: dict[str, AttributeSpec] = {}
    spec = Spec(name=name, version=version, outputs=outputs, attributes=attributes)
    with local() as executor:
        folder = audit_predictions(file, spec, runs, executor, progress.make())
    return open_run(folder), folder


def _compare(made: AuditRun, faults: Sequence[Fault]) -> int:
    """Print what of the planted was found; returns the number of faults that were missed."""
    from audit.core import Level
    from dashboard.cli.summary import sentence
    from dashboard.demo_data import SMALL

    findings = [finding for section in made.sections for finding in section.findings]
    established = [f for f in findings if f.severity.level is not Level.NOT_ESTABLISHED]
    data = made.data
    print(f"\n{made.model} {made.version}: {data['audited']['rows']:,} rows, {data['rejected']} refused")
    missed = 0
    for fault in faults:
        hit = next((f for f in established if _shows(f, fault)), None)
        missed += hit is None
        print(f"  {'found ' if hit else 'MISSED'}  {fault.words}")
        if hit:
            print("          " + sentence(hit).replace("\n" + " " * 17, "\n" + " " * 27))
    if any(SMALL in values for values in data["attributes"].values()):
        claimed = [f for f in established if any(value == SMALL for _, value in f.slice.of)]
        print(f"  {'CLAIMED' if claimed else 'left   '} {SMALL}: too few rows to say anything of")
    apart = [f for f in established if not any(_meets(f, fault) for fault in faults)]
    print(f"  {len(established)} findings in all, {len(apart)} of them on slices apart from the planted ones")
    return missed


def _shows(finding: Finding, fault: Fault) -> bool:
    same = set(finding.slice.of) == set(fault.of)
    return same and finding.output == fault.output and finding.metric in fault.metrics


def _meets(finding: Finding, fault: Fault) -> bool:
    """Whether rows of the finding's slice can lie in the fault's: no attribute tells them apart."""
    of = dict(fault.of)
    about = finding.output == fault.output or fault.output.startswith(finding.output + "/")
    return about and all(of.get(name, value) == value for name, value in finding.slice.of)
