"""The search for near copies as the rows grow: CPU seconds, peak memory, and what is found.

    .venv/bin/python benchmarks/duplicates.py --rows 50000 200000 834000

DFDC at 7 frames a video has 834,000 rows. Their hashes are made up: random bits, and every
fiftieth video has a copy whose frames differ from its own in up to `duplicates.MOST_BITS` bits.
Every size runs in a process of its own; all planted copies must be found, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys

import measure
import numpy as np

from deepfake.preprocessing.image_hash import KEPT
from deepfake.splits import duplicates

FRAMES, EVERY = 7, 50  # of a video; videos of which one has a copy
COLUMNS = ("rows", "planted pairs", "other pairs", "CPU seconds", "peak MB")


def made_up(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hashes uint64 (n, 4), the video of each row, and the planted pairs of rows, int (pairs, 2).

    The last videos are the copies.
    """
    generator = np.random.default_rng(0)
    videos = rows // FRAMES
    words = generator.integers(0, 2**64, (videos * FRAMES, KEPT**2 // 64), np.uint64)
    copies = videos // EVERY
    first = np.arange(copies * FRAMES)
    last = len(words) - len(first) + first
    for one, other in zip(first.tolist(), last.tolist(), strict=True):
        bits = np.zeros(KEPT**2, np.uint8)
        count = generator.integers(0, duplicates.MOST_BITS + 1)
        bits[generator.choice(len(bits), count, replace=False)] = 1
        words[other] = words[one] ^ np.packbits(bits).view(np.uint64)
    return words, np.arange(len(words)) // FRAMES, np.column_stack([first, last])


def search(rows: int) -> dict:
    """Search some rows; what was found, and what it took."""
    words, owner, planted = made_up(rows)
    (pairs, _), took = measure.timed(lambda: duplicates.near(words, owner))
    found = set(map(tuple, pairs.tolist()))
    wanted = set(map(tuple, planted.tolist()))
    if missing := wanted - found:
        sys.exit(f"{len(missing)} planted pairs were not found")
    return took | {"rows": len(words), "planted": len(wanted), "others": len(found - wanted)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[50_000, 200_000, 834_000])
    parser.add_argument("--alone", type=int, help="search so many rows in this process")
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    arguments = parser.parse_args()
    if arguments.alone:
        print(json.dumps(search(arguments.alone)))
        return
    found = [measure.alone(__file__, "--alone", rows) for rows in sorted(arguments.rows)]
    lines = []
    for one in found:
        took = f"{one['cpu_seconds']:.1f}", f"{one['peak_mb']:.0f}"
        lines.append([f"{one['rows']:,}", one["planted"], one["others"], *took])
    text = [measure.machine(), "", measure.table(COLUMNS, lines)]
    if len(found) > 1:
        sizes = [one["rows"] for one in found]
        power = measure.growth(sizes, [one["cpu_seconds"] for one in found])
        more = (found[-1]["peak_mb"] - found[-2]["peak_mb"]) * 2**20 / (sizes[-1] - sizes[-2])
        text += ["", f"CPU seconds grow as rows^{power:.2f}; memory by {more:.0f} bytes a row."]
    measure.publish("duplicates", "\n".join(text), arguments.page)


if __name__ == "__main__":
    main()
