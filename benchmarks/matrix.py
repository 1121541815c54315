"""Gathering the faces of all batches into one matrix, against a plain copy of the same bytes.

    .venv/bin/python benchmarks/matrix.py --rows 7000 --folder /scratch/me

Each way runs in a process of its own and ends with the bytes on the disk (fsync). "cached": the
batch files were just written or read, so a run that fits the page cache reads no disk. "cold":
their pages were given back first (posix_fadvise), so they come from the disk. A copy reads and
writes 16 MiB at a time. Wall seconds depend on the disk and on who else uses the machine; CPU
seconds hardly do. Quote the ratios.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure
import numpy as np

from deepfake.features import matrix

FACE = (320, 320, 3)
CHUNK = 16 * 2**20


def write_batches(folder: Path, rows: int, batch: int) -> None:
    """Files of random faces, of so many each."""
    generator = np.random.default_rng(0)
    for number, first in enumerate(range(0, rows, batch)):
        shape = (min(batch, rows - first), *FACE)
        np.save(folder / f"{number:05d}.npy", generator.integers(0, 256, shape, np.uint8))


def sources(folder: Path) -> list[tuple[str, int]]:
    """File and number of every face."""
    found = []
    for file in sorted(folder.glob("*.npy")):
        found += [(str(file), face) for face in range(len(np.load(file, mmap_mode="r")))]
    return found


def gather(folder: Path, to: Path) -> None:
    matrix.gather(sources(folder), to)


def copy(folder: Path, to: Path) -> None:
    with open(to, "wb", buffering=0) as out:
        for path in sorted(folder.glob("*.npy")):
            with open(path, "rb", buffering=0) as file:
                while data := file.read(CHUNK):
                    out.write(data)


def run(way: str, folder: Path, to: Path, cold: bool) -> None:
    """Run one way and print what it took, as JSON."""
    for path in folder.glob("*.npy"):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            if cold:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    begun, cpu = time.perf_counter(), time.process_time()
    {"gather": gather, "copy": copy}[way](folder, to)
    with open(to, "rb") as file:
        os.fsync(file.fileno())
    found = {"wall": time.perf_counter() - begun, "cpu": time.process_time() - cpu}
    status = Path("/proc/self/status").read_text().split()
    found["peak_mb"] = int(status[status.index("VmHWM:") + 1]) / 1024
    print(json.dumps(found))


def compare(arguments: argparse.Namespace) -> None:
    """Print both ways' rates and peak memory, with warm and with cold pages."""
    size = arguments.rows * np.prod(FACE) / 2**30
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    print(f"{arguments.rows} faces, {size:.2f} GiB; this machine has {memory:.0f} GiB of memory")
    print("sources  way     MiB a wall s  MiB a CPU s  peak MiB   of the copy's rate: wall    CPU")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as place:
        batches = Path(place, "batches")
        batches.mkdir()
        write_batches(batches, arguments.rows, arguments.batch)
        for cold in (False, True):
            runs = {way: [] for way in ("copy", "gather")}
            for way in list(runs) * arguments.repeat:  # in turn: the machine's load changes
                words = [sys.executable, __file__, *(["--cold"] if cold else [])]
                words += ["--only", way, str(batches), str(Path(place, "out"))]
                Path(place, "out").unlink(missing_ok=True)
                done = subprocess.run(words, capture_output=True, text=True, check=True)
                runs[way].append(json.loads(done.stdout))
            best = {
                way: [1024 * size / min(run[kind] for run in found) for kind in ("wall", "cpu")]
                for way, found in runs.items()
            }
            for way, (wall, cpu) in best.items():
                peak = max(run["peak_mb"] for run in runs[way])
                print(
                    f"{'cold' if cold else 'cached':<7}  {way:<6}  {wall:12.0f}  {cpu:11.0f}  "
                    f"{peak:8.0f}  {wall / best['copy'][0]:25.2f}  {cpu / best['copy'][1]:5.2f}",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=7000, help="faces of 320 x 320 pixels")
    parser.add_argument("--batch", type=int, default=350, help="faces in a file")
    parser.add_argument("--repeat", type=int, default=3, help="runs; the fastest counts")
    parser.add_argument("--folder", type=Path, help="where the files are made; else in TMPDIR")
    parser.add_argument("--only", nargs=3, metavar=("WAY", "FROM", "TO"), help=argparse.SUPPRESS)
    parser.add_argument("--cold", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--page", action="append", default=[], help="a page to put it on too")
    arguments = parser.parse_args()
    if arguments.only:
        way, folder, to = arguments.only
        run(way, Path(folder), Path(to), arguments.cold)
        return
    with measure.printed("matrix", arguments.page):
        compare(arguments)


if __name__ == "__main__":
    main()
