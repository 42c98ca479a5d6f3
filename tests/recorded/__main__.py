"""``python -m tests.recorded NAME RUN.jsonl``: make the recording of a server of a run against it."""

import sys
from pathlib import Path

from conformance.stream import read
from tests.recorded.recording import FOLDER, record, write

name, stream = sys.argv[1:]
write(record(read(Path(stream)).results), FOLDER / f"{name}.jsonl.xz")
print(FOLDER / f"{name}.jsonl.xz")
