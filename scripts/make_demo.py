"""Command line that makes the synthetic demo clips; deepfake.dataset.demo_clips does the work."""

import argparse
import time
from pathlib import Path

from deepfake.dataset import demo_clips


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the clips")
    parser.add_argument("--pairs", type=int, default=12, help="pairs of stand-ins (default: 12)")
    parser.add_argument("--frames", type=int, default=64, help="frames per clip (default: 64)")
    parser.add_argument("--seed", type=int, default=42, help="seed of everything (default: 42)")
    return parser.parse_args()


def main() -> None:
    """Make the clips and print how many."""
    arguments = parse_arguments()
    started = time.monotonic()
    print(f"making {4 * arguments.pairs} synthetic clips in {arguments.out}", flush=True)
    clips = demo_clips.make_demo(arguments.out, arguments.pairs, arguments.frames, arguments.seed)
    print(f"made {len(clips)} clips in {arguments.out} in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
