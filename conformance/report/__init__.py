"""Reports: views of the result stream. Adding a format is one file and one line of ``FORMATS``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from conformance.stream import Run


def _lazy(module: str) -> Callable[[Run, Path], None]:
    def write(run: Run, file: Path) -> None:
        importlib.import_module(f"conformance.report.{module}").write(run, file)

    return write


FORMATS: dict[str, Callable[[Run, Path], None]] = {
    name: _lazy(name) for name in ("html", "junit", "sarif", "markdown", "badge")
}
