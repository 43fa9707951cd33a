"""Verification: every flipped byte is found and its file named."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from audit.errors import RunError
from audit.runner import audit_predictions
from audit.spec import Spec
from audit.store.hashes import Verdict, content_hash, verify
from audit.store.layout import id_of

FILES = (
    "predictions.parquet",
    "rejected.csv",
    "run.json",
    "tables/count.rows.parquet",
    "times.json",
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    file = folder / "p.csv"
    file.write_text("id,true.ok,score.ok\na,1,0.5\nb,0,0.25\nb,0,0.25\n")
    return audit_predictions(file, Spec(probes=("fake_probes:Count",)), folder / "runs")


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / original.name))


def test_an_untouched_run_is_intact(run: Path) -> None:
    assert verify(run) == Verdict(finished=True)
    assert verify(run).intact


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("where", [0.0, 0.5, 1.0])
def test_a_flipped_bit_is_found_and_named(run: Path, name: str, where: float) -> None:
    content = bytearray((run / name).read_bytes())
    content[round(where * (len(content) - 1))] ^= 1
    (run / name).write_bytes(content)
    verdict = verify(run)
    assert verdict == Verdict(finished=True, altered=(name,))
    assert not verdict.intact


def test_every_flipped_bit_of_the_list_itself_is_found(run: Path) -> None:
    path = run / "run.sha256"
    sound = path.read_bytes()
    for at in range(len(sound)):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        assert not verify(run).intact, at


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(run: Path, name: str) -> None:
    (run / name).unlink()
    assert verify(run) == Verdict(finished=True, missing=(name,))


@pytest.mark.parametrize("name", ["planted.txt", "evidence/x/map.png", ".hidden"])
def test_an_extra_file_is_named(run: Path, name: str) -> None:
    (run / name).parent.mkdir(parents=True, exist_ok=True)
    (run / name).write_text("x")
    assert verify(run) == Verdict(finished=True, extra=(name,))


def test_a_manifest_that_was_forged_with_its_hash_no_longer_fits_its_id(run: Path) -> None:
    manifest = json.loads((run / "run.json").read_text())
    manifest["hashes"]["data"] = "0" * 64
    (run / "run.json").write_text(json.dumps(manifest))
    digest = hashlib.sha256((run / "run.json").read_bytes()).hexdigest()
    lines = (run / "run.sha256").read_text().splitlines()
    lines = [f"{digest}  run.json" if line.endswith("  run.json") else line for line in lines]
    (run / "run.sha256").write_text("\n".join(lines) + "\n")
    assert verify(run).altered == ("run.json",)


def test_a_list_that_points_outside_is_not_followed(run: Path) -> None:
    with (run / "run.sha256").open("a") as file:
        file.write(f"{'0' * 64}  ../outside\n")
    assert verify(run) == Verdict(finished=True, altered=("run.sha256",))


def test_a_run_without_the_list_is_unfinished(run: Path) -> None:
    (run / "run.sha256").unlink()
    assert verify(run) == Verdict(finished=False)
    assert not verify(run).intact
    with pytest.raises(RunError, match="unfinished"):
        content_hash(run)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run in this folder"):
        verify(tmp_path)


def test_the_list_is_in_the_form_of_sha256sum(run: Path) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum here")
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "run.sha256"], cwd=run, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names = [line.split("  ", 1)[1] for line in (run / "run.sha256").read_text().splitlines()]
    assert names == sorted(names)
    inside = {
        os.path.relpath(os.path.join(base, name), run) for base, _, files in os.walk(run) for name in files
    }
    assert set(names) == inside - {"run.sha256"}


def test_the_id_is_the_hash_of_what_was_asked(original: Path) -> None:
    manifest = json.loads((original / "run.json").read_text())
    hashes = manifest["hashes"]
    text = f"{hashes['data']}\n\n{hashes['spec']}\n{manifest['plumbline_version']}"
    assert original.name == hashlib.sha256(text.encode()).hexdigest()[:12] == id_of(manifest)
    assert hashes["data"] == hashlib.sha256((original.parents[3] / "p.csv").read_bytes()).hexdigest()
