"""Open a video file without following references to other files, and choose its video track."""

from __future__ import annotations

from collections import Counter

import av

from deepfake.preprocessing.viewing import Unreadable

# FFmpeg's names of the containers that hold a video themselves. Not in it: playlists, whose
# frames would come from other files, and pictures and texts, which it would show as a video.
CONTAINERS = (
    "avi,mov,matroska,flv,mpegts,mpeg,asf,ogg,mxf,nut,rm,ivf,dv,gif,yuv4mpegpipe,"
    "mpegvideo,m4v,h264,hevc"
)
STILLS = (
    av.stream.Disposition.attached_pic
    | av.stream.Disposition.still_image
    | av.stream.Disposition.timed_thumbnails
)


def open_file(path: str) -> av.container.InputContainer:
    """Open a file, and no other file that it names.

    Raises:
        Unreadable: it is no video.
    """
    only = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
    try:
        return av.open(path, container_options=only, metadata_errors="replace")
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError):
        raise Unreadable("cannot be opened as a video") from None


def candidates(opened: av.container.InputContainer) -> list[av.VideoStream]:
    """Tracks that may be the video: not the covers, and those that can be decoded."""
    return [
        stream
        for stream in opened.streams.video
        if stream.codec_context and not stream.disposition & STILLS
    ]


def moving(opened: av.container.InputContainer) -> int:
    """Number of the track that is the video: FFmpeg's choice of those that hold two pictures."""
    found = candidates(opened)
    if not found:
        unknown = [s for s in opened.streams.video if not s.codec_context]
        raise Unreadable("its codec is not known" if unknown else "no video track")
    if len(found) == 1:
        return found[0].index
    best = opened.streams.best("video")
    order = sorted(found, key=lambda stream: (stream != best, stream.index))
    packets: Counter[int] = Counter()
    try:
        for packet in opened.demux(order):
            packets[packet.stream_index] += bool(packet.size)
            if packets[order[0].index] == 2 or max(packets.values()) > 100:
                break
    except MemoryError:
        raise
    except av.FFmpegError:
        pass  # what was seen decides
    return next((s.index for s in order if packets[s.index] > 1), order[0].index)
