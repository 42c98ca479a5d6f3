"""The HTML report: one file that asks nobody for anything, readable without scripts, in print and on a phone."""

from conformance.report.html.page import LIMIT, page, write

__all__ = ["LIMIT", "page", "write"]
