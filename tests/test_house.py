"""The house itself: what the wheel holds, how files are named and sized, what starting the program costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from dashboard.cli.main import available

ROOT = Path(__file__).parents[1]
PACKAGES = ("audit", "dashboard", "models", "reports", "training")
LONGEST = 300
"""Lines of a file."""
HEAVY = (
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "numba",
    "torch",
    "streamlit",
    "plotly",
    "sqlalchemy",
    "pydantic",
)


def sources() -> list[Path]:
    found = [path for name in (*PACKAGES, "tests", "benchmarks") for path in (ROOT / name).rglob("*.py")]
    return sorted(path.relative_to(ROOT) for path in found)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy, so that no build folder is left in the tree."""
    import shutil

    place = tmp_path_factory.mktemp("wheel")
    tree = place / "tree"
    tree.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    for name in (*PACKAGES, "tests", "benchmarks", "docs"):
        shutil.copytree(
            ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "*.nbc", "*.nbi")
        )
    words = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(place),
        ".",
    ]
    done = subprocess.run(words, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = place.glob("plumbline-*.whl")
    return zipfile.ZipFile(made)


def test_the_wheel_holds_the_five_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    top = {name.split("/")[0] for name in wheel.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)


def test_the_wheel_holds_every_module_and_data_file(wheel: zipfile.ZipFile) -> None:
    held = set(wheel.namelist())
    modules = {path.as_posix() for path in sources() if path.parts[0] in PACKAGES}
    assert modules <= held
    for pattern in (
        "audit/**/*.toml",
        "reports/**/*.typ",
        "dashboard/.streamlit/*.toml",
        "dashboard/**/*.css",
    ):
        assert {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)} <= held, pattern


def test_no_file_of_the_app_hides_a_package() -> None:
    """`streamlit run dashboard/app.py` puts dashboard/ first on the path."""
    for name in set(PACKAGES) - {"dashboard"}:
        assert not (ROOT / "dashboard" / f"{name}.py").exists()
        assert not (ROOT / "dashboard" / name).exists()


def test_tests_are_no_packages_and_have_names_of_their_own() -> None:
    """An __init__.py under tests/audit would hijack `import audit`."""
    assert not list((ROOT / "tests").rglob("__init__.py"))
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("path", sources(), ids=str)
def test_files_are_short(path: Path) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", sources(), ids=str)
def test_no_module_is_called_after_nothing(path: Path) -> None:
    assert path.stem not in ("utils", "helpers", "common", "misc", "other")


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name, _ in available())], ids=" ".join)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys; from dashboard.cli.main import main; code = main(sys.argv[1:]); "
        f"print('HEAVY', *sorted(set({HEAVY!r}) & set(sys.modules))); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY"


def test_help_answers_in_half_a_second() -> None:
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "dashboard.cli.main", "--help"], capture_output=True, check=True
        )
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.5


def test_an_audit_imports_neither_torch_nor_the_app(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("id,true.ok,score.ok\na,1,0.5\nb,0,0.25\n")
    program = (
        "import sys; from dashboard.cli.main import main; "
        f"code = main(['audit', '--predictions', {str(file)!r}, '--runs', {str(tmp_path / 'runs')!r}, "
        "'--probes', 'fake_probes:Count']); "
        "print('HEAVY', *sorted({'torch', 'streamlit', 'plotly', 'transformers'} & set(sys.modules))); "
        "sys.exit(code)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests" / "support")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY"
