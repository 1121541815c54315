"""Convert frames of high dynamic range or wide gamut to those of a standard display.

Decoded values are taken back to light, scaled so that the reference white of ITU-R BT.2408 (75 %
of an HLG signal, 203 cd/m2 of PQ) is the white of BT.709, brought to the primaries of BT.709, and
encoded again. What is brighter than KNEE of that white is compressed, not cut; the knee is our own
choice. HLG is converted as scene light, PQ as display light.
"""

from __future__ import annotations

from functools import cache

import numpy as np

PQ, HLG = 16, 18  # FFmpeg's AVCOL_TRC_SMPTE2084 and AVCOL_TRC_ARIB_STD_B67
NAMES = {PQ: "PQ", HLG: "HLG"}
BT2020, P3 = 9, 12  # FFmpeg's AVCOL_PRI_BT2020 and AVCOL_PRI_SMPTE432
WHITE_HLG = 0.2650  # scene light of an HLG signal of 75 %, where the brightest is 1
WHITE_PQ = 203.0  # cd/m2
KNEE = 0.8  # of the signal
ROWS = 64  # of a frame that are converted at once: floats take 4 times the memory of a frame
# Linear RGB to that of BT.709: ITU-R BT.2087, and SMPTE EG 432-1 for Display P3.
TO_BT709 = {
    BT2020: (
        (1.660491, -0.587641, -0.072850),
        (-0.124550, 1.132900, -0.008349),
        (-0.018151, -0.100579, 1.118730),
    ),
    P3: (
        (1.224940, -0.224940, 0.0),
        (-0.042057, 1.042057, 0.0),
        (-0.019638, -0.078636, 1.098274),
    ),
}


def needs_conversion(transfer: int, primaries: int) -> bool:
    """Whether a standard display would show a frame of these FFmpeg numbers wrongly."""
    return transfer in NAMES or primaries in TO_BT709


def name(transfer: int) -> str:
    """What a note says of a conversion."""
    kind = f"HDR ({NAMES[transfer]})" if transfer in NAMES else "wide gamut"
    return f"{kind}: converted to BT.709"


def convert(picture: np.ndarray, transfer: int, primaries: int) -> np.ndarray:
    """A frame in BT.709.

    Args:
        picture: uint16 RGB of shape (height, width, 3), not linear, full range.
        transfer, primaries: FFmpeg's numbers of what it is encoded in; HDR of no known primaries
            is taken for BT.2020, as ITU-R BT.2100 has it.

    Returns:
        uint8 BGR of the same shape.
    """
    if transfer in NAMES and primaries not in TO_BT709:
        primaries = BT2020
    light, signal = _tables(transfer)
    matrix = np.array(TO_BT709[primaries], np.float32).T
    found = np.empty(picture.shape, np.uint8)
    for first in range(0, len(picture), ROWS):
        linear = light[picture[first : first + ROWS]] @ matrix
        steps = np.rint(np.clip(linear / light[-1], 0, 1) ** 0.5 * (len(signal) - 1))
        found[first : first + ROWS] = signal[steps.astype(np.int32)][..., ::-1]
    return found


@cache
def _tables(transfer: int) -> tuple[np.ndarray, np.ndarray]:
    """Light of each 16-bit value, white being 1, and the 8-bit value of light.

    The second is indexed by the square root of light, as a share of the brightest.
    """
    value = np.arange(65536) / 65535
    if transfer == HLG:  # ITU-R BT.2100, table 5
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)
        light /= WHITE_HLG
    elif transfer == PQ:  # ITU-R BT.2100, table 4
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        root = value ** (1 / m2)
        light = 10000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) / WHITE_PQ
    else:  # ITU-R BT.709, item 1.2
        light = np.where(value < 0.081, value / 4.5, ((value + 0.099) / 1.099) ** (1 / 0.45))
    bright = (np.arange(65536) / 65535) ** 2 * light[-1]
    if transfer == PQ:
        signal = bright ** (1 / 2.4)  # ITU-R BT.1886
    else:
        signal = np.where(bright < 0.018, 4.5 * bright, 1.099 * bright**0.45 - 0.099)
    if transfer in NAMES:
        over = np.maximum(signal - KNEE, 0) / (1 - KNEE)
        signal = np.minimum(signal, KNEE) + (1 - KNEE) * (1 - np.exp(-over))
    return light.astype(np.float32), np.rint(255 * np.clip(signal, 0, 1)).astype(np.uint8)
