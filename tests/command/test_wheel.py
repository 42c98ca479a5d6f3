"""The wheel holds all that the command needs, and the command starts quickly, from any folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

HEAVY = {"pytest", "_pytest", "cryptography", "yaml", "dns", "junit_xml", "asyncio", "ssl", "hypothesis"}
"""What ``--help`` must not import: it would be felt."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and installed into an environment of its own, beside the packages that are here already."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("conformance", "cases"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(folder), str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    home = folder / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    (site,) = (home / "lib").glob("python*/site-packages")
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", str(wheel)], check=True)
    here = Path(next(path for path in sys.path if path.endswith("site-packages")))
    (site / "dependencies.pth").write_text(f"{here}\n", encoding="utf-8")
    return home / "bin" / "smtp-conformance"


def command(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run([installed, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def test_run_from_another_folder(installed: Path, tmp_path: Path) -> None:
    """Cases, registry, profiles and the reference server are in the wheel."""
    done = command(installed, tmp_path, "run", "-k", "transparency", "--out", "run.jsonl", "--junit", "junit.xml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "run.jsonl").stat().st_size > 10_000
    assert (tmp_path / "junit.xml").exists()


def test_files_beside_the_code(installed: Path, tmp_path: Path) -> None:
    """The cases of the wheel are found, not those of the checkout; the schema lies beside them."""
    folder = Path(command(installed, tmp_path, "list", "--folder").stdout.strip())
    assert folder.is_relative_to(installed.parents[1])
    assert (folder / "case.schema.json").is_file()
    assert command(installed, tmp_path, "lint").returncode == 0
    assert "RFC 5321" in command(installed, tmp_path, "coverage").stdout
    assert command(installed, tmp_path, "explain", "RFC5321-4.5.2-01").returncode == 0
    assert command(installed, tmp_path, "serve", "--list").returncode == 0


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """It answers at once: no package but the standard library's small ones."""
    code = (
        "import sys\nfrom conformance.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "print('loaded', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert not HEAVY & set(out.rpartition("loaded")[2].split())
