"""Training copies of a video's faces: each face again, from a perturbed copy of its clip.

A model that saw its training clips under one encoder and at one size takes what another encoder
does for a trace of forgery. So the training may hold each face again, from its clip encoded again
or scaled (augmentation, as in Wang et al. 2020, "CNN-generated images are surprisingly easy to
spot... for now"). A copy is cut where the original's face was found, without a detector, so every
face has as many copies as every other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from deepfake.core.row import Row
from deepfake.preprocessing import face_record, faces
from deepfake.preprocessing.detector import Face
from deepfake.preprocessing.frames import Clip
from deepfake.preprocessing.perturb import Requested
from deepfake.preprocessing.perturbations import registry

MISSING = "its frame is not in the perturbed clip"


def name_of(requested: Requested) -> str:
    """What a copy is called in the column `copy` of tables, like "crf 40"."""
    return f"{requested[0]} {requested[1]:g}"


def cut(
    originals: Sequence[Row], requested: Requested, clip: Clip, **crop_settings
) -> Iterator[tuple[dict, np.ndarray | None, bytes | None]]:
    """The faces of a perturbed clip, where they are in the clip itself.

    Args:
        originals: records of the video's kept faces. requested: the perturbation.
        clip: the video's sampled frames under it; see `perturb.clips`.
        crop_settings: size, margin, resize, jpeg_quality of `faces.crop`.

    Yields:
        For each face a record with `copy`, the face (size, size, 3) and its surroundings as PNG
        bytes; both None where the copy cannot be made: the record then has the reason.
    """
    factor = registry.ALL[requested[0]].box_factor(requested[1])
    for original in originals:
        index = int(original["frame"])
        row = {name: original[name] for name in ("video_id", "face", "found", "fps")}
        row |= {"frame": index, "copy": name_of(requested)}
        if index not in clip.frames:
            yield row | {"status": "dropped", "reason": clip.reason or MISSING}, None, None
            continue
        image = faces.decode(clip.frames[index])
        face = faces.grow(_face(original), factor, image.shape)
        dropped = faces.reason_to_drop(face)
        yield faces.cut_face(row, image, face, dropped, crop_settings)


def _face(record: Row) -> Face:
    """The face of a record."""
    x, y, width, height = (int(record[side]) for side in ("x", "y", "width", "height"))
    points = tuple(face_record.points_of(record))
    return Face((x, y, width, height), float(record["confidence"]), points)
