"""``python -m tests.generated [matrix]``: write the pages; the matrix plays every fault against every case."""

import sys

from tests.generated.pages import DOCS, PAGES, matrix

for name, page in PAGES.items():
    (DOCS / name).write_text(page(), encoding="utf-8")
if "matrix" in sys.argv[1:]:
    from concurrent.futures import ProcessPoolExecutor

    from tests.proof.harness import deviations, tripped_by_name

    names = [fault.name for fault in deviations()]
    with ProcessPoolExecutor() as pool:
        found = dict(zip(names, pool.map(tripped_by_name, names, chunksize=8), strict=True))
    (DOCS / "proof.md").write_text(matrix(found), encoding="utf-8")
