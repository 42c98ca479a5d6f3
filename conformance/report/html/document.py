"""The frame of a page: one file, whose policy allows the style and the script that are in it and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from pathlib import Path

from conformance.report.html.case import shown

_HERE = Path(__file__).parent


def resource(name: str) -> str:
    """Return a style sheet, a script or a piece of a page that lies beside this module."""
    return (_HERE / name).read_text(encoding="utf-8").strip()


def script(name: str) -> str:
    """Return the script of a page, with what unpacks the pieces that it carries."""
    return f"{resource('unpack.js')}\n{resource(name)}"


def packed(**pieces: object) -> str:
    """Return the element with which a page carries pieces of itself compressed: ``main`` (HTML), ``groups``."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    octets = packer.compress(json.dumps(pieces, ensure_ascii=False, separators=(",", ":")).encode()) + packer.flush()
    return f"<script type=text/plain id=packed>{base64.b64encode(octets).decode('ascii')}</script>\n"


def packed_main(main: str, **pieces: object) -> str:
    """Return the main part of a page that is carried compressed, for pages that are published and kept."""
    note = "This page is packed, and unpacks itself with JavaScript. The result stream beside it has all that it shows."
    return f"<main><noscript><p>{note}</p></noscript></main>\n{packed(main=main, **pieces)}"


def document(title: str, body: str, *, style: str, code: str, colour: str, version: str) -> str:
    """Return a whole HTML document; ``colour`` is that of its icon."""
    style = f"{resource('colours.css')}\n{style}"
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(code)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
        f'<meta http-equiv=Content-Security-Policy content="{policy}">\n'
        '<meta name=viewport content="width=device-width,initial-scale=1">\n'
        '<meta name=referrer content=no-referrer>\n<meta name=color-scheme content="light dark">\n'
        f'<meta name=generator content="smtp-conformance {shown(version)}">\n'
        f'<title>{shown(title)}</title>\n<link rel=icon href="{_icon(colour)}">\n<style>{style}</style>\n</head>\n'
        f"<body>\n{body}<script>{code}</script>\n</body>\n</html>\n"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _icon(colour: str) -> str:
    svg = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>"
        f"<circle cx='8' cy='8' r='7' fill='{colour}'/></svg>"
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
