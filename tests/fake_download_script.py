"""A FAKE of FaceForensics++'s download script, for tests: it makes empty files.

Nothing is taken from the real one. It has the command line that the dataset's page documents,
asks for a key as the real one does, and skips what is there. Beside it, `calls.jsonl` says how it
was called and what it made; a file `fail` says after how many new files each call breaks off. With
a pipe `hold` it makes one file, says so into the pipe, and waits to be killed.
"""

import argparse
import json
import signal
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDERS = {
    "original": ("original_sequences/youtube", ["000", "001", "002", "003", "004"]),
    "DeepFakeDetection_original": ("original_sequences/actors", ["01__walk", "02__walk"]),
}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("output_path", type=Path)
    parser.add_argument("-d", "--dataset", default="all")
    parser.add_argument("-c", "--compression", default="raw", choices=["raw", "c23", "c40"])
    parser.add_argument("-t", "--type", default="videos", choices=["videos", "masks", "models"])
    parser.add_argument("-n", "--num_videos", type=int)
    parser.add_argument("--server", default="EU", choices=["EU", "EU2", "CA"])
    given = parser.parse_args()
    print("Press any key to continue, or CTRL-C to exit.")
    if not sys.stdin.readline():
        return 3
    default = f"manipulated_sequences/{given.dataset}", ["000_001", "001_000", "002_000"]
    folder, stems = FOLDERS.get(given.dataset, default)
    place = given.output_path / folder / given.compression / given.type
    place.mkdir(parents=True, exist_ok=True)
    limit = int((HERE / "fail").read_text()) if (HERE / "fail").exists() else None
    made, status = [], 0
    for stem in stems[: given.num_videos]:
        file = place / f"{stem}.mp4"
        if file.exists():
            print("skipping", file)
            continue
        if len(made) == limit:
            (place / f"tmp{len(list(place.iterdir()))}").touch()  # what a broken connection leaves
            status = 1
            break
        file.touch()
        made.append(stem)
        if (HERE / "hold").exists():
            (HERE / "hold").write_text("one file is there")
            signal.pause()
    with open(HERE / "calls.jsonl", "a") as file:
        file.write(json.dumps({"words": sys.argv[1:], "made": made}) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
