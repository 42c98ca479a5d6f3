"""SMTP conformance and security test suite: plays YAML dialogues against a mail server and reports what holds."""

__version__ = "0.1.0"
