"""The rate of the Gram engine, beside the plain float32 matrix product in the same process.

    .venv/bin/python benchmarks/gram.py --rows 2000

The whole loop (reading, converting, standardising, multiplying, adding) against products of blocks
that are there already, both counted as n * n * p multiply-adds a second; half are done, since K is
symmetric. The two take turns, so that they meet the same machine. A shared machine takes away wall
time: the rate by CPU time is printed too. The peak is of a process that computes one Gram matrix.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import measure
import numpy as np
import pictures
import threadpoolctl

from deepfake.features.matrix import Matrix
from deepfake.models import gram

SCALINGS = ("none", "standard")
AIM = 0.7
TURNS = 3


def clock(work) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def plain(block: np.ndarray) -> None:
    """Products of a block, float32 (columns, n), with itself; numpy calls syrk."""
    np.matmul(block.T, block)


def rates(path: Path, scaling: str, threads: int) -> dict:
    """GFLOP/s of the loop and of the plain product, by wall and by CPU time, the best of turns."""
    seen = Matrix(path)
    n, p = seen.shape
    columns = gram.EXACT if scaling == "none" else min(p, gram.FLOATS // n)
    block = np.random.default_rng(0).standard_normal((columns, n), np.float32)
    with threadpoolctl.threadpool_limits(threads):
        plain(block)  # the library's first product starts its threads
        turns = []
        for _ in range(TURNS):
            repeated = max(1, p // columns // TURNS)
            one = clock(lambda times=repeated: [plain(block) for _ in range(times)])
            turns.append((repeated * columns, one, clock(lambda: gram.compute(seen, scaling))))
    work = n * n / 1e9
    best = {}
    for name, which in (("wall", 0), ("cpu", 1)):
        product = max(work * columns / one[which] for columns, one, _ in turns)
        loop = max(work * p / other[which] for *_, other in turns)
        best[name] = {"product": product, "loop": loop}
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--size", type=int, default=320, help="side of a face in pixels")
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    parser.add_argument("--only", nargs=3, metavar=("WHAT", "SCALING", "MATRIX"))
    arguments = parser.parse_args()
    if arguments.only:
        what, scaling, path = arguments.only
        if what == "peak":
            found = measure.timed(lambda: gram.compute(Matrix(path), scaling))[1]
        else:
            found = rates(Path(path), scaling, int(what))
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory(prefix="gram") as folder:
        path = Path(folder, "matrix.npy")
        pictures.write_matrix(path, arguments.rows, arguments.size)
        lines, missed = [], []
        for scaling in SCALINGS:
            peak = measure.alone(__file__, "--only", "peak", scaling, path)["peak_mb"]
            for threads in (1, 2):
                found = measure.alone(__file__, "--only", threads, scaling, path)
                line = [scaling, threads]
                for rate in found.values():
                    share = rate["loop"] / rate["product"]
                    line += [f"{rate['product']:.0f}", f"{rate['loop']:.0f}", f"{share:.2f}"]
                lines.append([*line, f"{peak:.0f}"])
                shares = [rate["loop"] / rate["product"] for rate in found.values()]
                if max(shares) < AIM:
                    missed.append(f"{scaling}, {threads} threads")
    allowed = 20 * arguments.rows**2 / 2**20 + 1024
    conclusion = (
        f"Aim {AIM} of the plain product: {'missed by ' + '; '.join(missed) if missed else 'met'}."
    )
    peaks = f"Peak allowed: 20 n^2 bytes + 1 GB = {allowed:.0f} MB."
    text = [measure.machine(), "", f"n = {arguments.rows}", "", measure.table(COLUMNS, lines)]
    measure.publish("gram", "\n".join([*text, "", conclusion, peaks]), arguments.page)


COLUMNS = (
    "scaling", "threads", "product GFLOP/s", "loop", "share", "product by CPU time", "loop",
    "share", "peak MB",
)  # fmt: skip


if __name__ == "__main__":
    main()
