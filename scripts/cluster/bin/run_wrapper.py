"""Run the wrapper of the command that the first argument names; the scripts in bin/*/ call it."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

from cluster import status_wrappers, submission_wrappers  # noqa: E402

WRAPPERS = {
    "sacct": status_wrappers.sacct,
    "bjobs": status_wrappers.bjobs,
    "sbatch": submission_wrappers.sbatch,
    "bsub": submission_wrappers.bsub,
}


def main() -> int:
    try:
        done = WRAPPERS[sys.argv[1]](sys.argv[2:])
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
