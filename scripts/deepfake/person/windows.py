"""Windows of ten seconds: how the signals of a face move together, as correlations.

After Agarwal et al. 2019: Pearson's correlation of every pair of signals. Pictures may come at any
rate, so signals are first brought to one rate.
"""

from __future__ import annotations

import numpy as np

SECONDS = 10.0  # of a window
STEP = 1.0  # seconds from one window's start to the next
RATE = 25  # samples a second
SLACK = 0.005  # of a step: times are in whole milliseconds
CONSTANT = 1e-9  # a signal that deviates less has no correlation


def lasts(times: np.ndarray) -> float:
    """Seconds for which a face was followed; its last frame lasts as the others do, at the median.

    Args:
        times: of its frames, rising, float (n,).
    """
    return float(times[-1] - times[0] + np.median(np.diff(times))) if len(times) > 1 else 0.0


def starts(times: np.ndarray) -> np.ndarray:
    """When the windows of a face that was followed begin, in seconds, float (n,); see `lasts`."""
    count = int(np.floor((lasts(times) - SECONDS) / STEP + SLACK)) + 1
    return times[0] + STEP * np.arange(count) if count > 0 else np.empty(0)


def correlations(times: np.ndarray, signals: np.ndarray) -> np.ndarray:
    """The correlations of all pairs of signals in each window; 0 where a signal is constant.

    Args:
        times: float (n,). signals: float (n, k).

    Returns:
        float32 (windows, k (k - 1) / 2), a row a window of `starts`; pairs as in `signals.PAIRS`.
    """
    pairs = np.triu_indices(signals.shape[1], 1)
    found = [_correlation(_sampled(times, signals, start))[pairs] for start in starts(times)]
    return np.array(found, np.float32).reshape(len(found), len(pairs[0]))


def _sampled(times: np.ndarray, signals: np.ndarray, start: float) -> np.ndarray:
    """The signals of one window at RATE, float (samples, k); between frames they are linear."""
    grid = start + np.arange(round(SECONDS * RATE)) / RATE
    return np.column_stack([np.interp(grid, times, signal) for signal in signals.T])


def _correlation(samples: np.ndarray) -> np.ndarray:
    """Pearson's correlations, float (k, k)."""
    centred = samples - samples.mean(axis=0)
    deviation = np.sqrt((centred**2).mean(axis=0))
    moves = deviation > CONSTANT * np.maximum(1, np.abs(samples).max(axis=0))
    normed = np.where(moves, centred, 0) / np.where(moves, deviation, 1)
    return np.clip(normed.T @ normed / len(samples), -1, 1)
