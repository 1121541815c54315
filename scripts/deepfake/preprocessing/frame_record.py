"""The table of a batch's sampled frames, and how it is joined with their archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from deepfake.core import archive
from deepfake.core.row import Row

COLUMNS = (
    "video_id", "frame", "member", "reason", "width", "height", "fps", "time", "seconds", "note",
    "file",
)  # fmt: skip


def member(number: int, frame: int, extension: str) -> str:
    """Name of a frame in its batch's archive, which the table has in the column `member`.

    Args:
        number: of the video in its batch, from 0. frame: its 0-based index in the video.
        extension: of the file, with its dot.
    """
    return f"{number:05d}/{frame:07d}{extension}"


def preview(member: str) -> str:
    """Name of the preview of a frame in the archive of previews."""
    return str(PurePosixPath(member).with_suffix(".jpg"))


def by_video(rows: Sequence[Row], tar: str | Path) -> Iterator[tuple[str, dict[int, bytes], str]]:
    """Join a batch's table with its archive, by the column `member`.

    Args:
        rows: the table, of COLUMNS, in any order. tar: the archive, in any order.

    Yields:
        (video_id, encoded frames by index, reason) of each video, in the order in which the table
        first names them. Only one video's frames are held at a time.

    Raises:
        archive.JoinError: a frame is in one of the two and not in the other, or twice in one.
    """
    videos: dict[str, list[Row]] = {}
    for row in rows:
        videos.setdefault(row["video_id"], []).append(row)
    with archive.Reader(tar) as pictures:
        pictures.match(row["member"] for row in rows if row["frame"])
        for video_id, its_rows in videos.items():
            frames: dict[int, bytes] = {}
            for row in (row for row in its_rows if row["frame"]):
                index = int(row["frame"])
                if index in frames:
                    raise archive.JoinError(
                        f"{tar}: its table has frame {index} of {video_id} twice; "
                        "remove it and its table, and run again"
                    )
                frames[index] = pictures.read(row["member"])
            reasons = (row["reason"] for row in its_rows if not row["frame"])
            yield video_id, frames, next(reasons, "")
