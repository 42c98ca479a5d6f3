"""``python -m tests.generated [matrix]``: write the pages; the matrix plays every fault against every case."""

import sys

from tests.generated.pages import DOCS, PAGES, matrix

for name, page in PAGES.items():
    (DOCS / name).write_text(page(), encoding="utf-8")
if "matrix" in sys.argv[1:]:
    from tests.proof.everything import everything

    tripped = {name: found.trips for name, found in everything().items()}
    (DOCS / "proof.md").write_text(matrix(tripped), encoding="utf-8")
