"""The pytest plugin: ``pytest --smtp-target localhost:2525 cases/`` plays suite files as tests.

Every pytest run on a machine with this package loads this module, so it imports nothing but pytest and does
nothing until a target is named, by the option or by ``smtp_target`` in the ini file. ``conformance.pytest_items`` does
the work.
"""

from __future__ import annotations

import pytest

OPTIONS = (
    ("impact", "the most that may happen to the target (default: mail on loopback, session elsewhere)"),
    ("profile", "interop (default), strict, or a file"),
    ("fail-on", "which verdicts fail: must (default), should, high ..., untested, inconclusive, none"),
    ("jobs", "sessions at once"),
)
"""The options beside the target; each is an ini value too."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; none of them does anything without a target."""
    group = parser.getgroup("smtp", "SMTP conformance")
    what = "play suite files against this server: host:port, a URL, a target.yaml, or 'embedded' (the reference server)"
    group.addoption("--smtp-target", metavar="TARGET", help=what)
    parser.addini("smtp_target", what)
    for name, text in OPTIONS:
        group.addoption(f"--smtp-{name}", metavar=name.upper(), help=text)
        parser.addini(f"smtp_{name.replace('-', '_')}", text)


def pytest_configure(config: pytest.Config) -> None:
    """Start work where a target is named."""
    if config.getoption("smtp_target") or config.getini("smtp_target"):
        from conformance.pytest_items import Plugin

        config.pluginmanager.register(Plugin(config), "smtp-conformance-items")
