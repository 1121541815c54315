"""Metrics, intervals, calibration, thresholds and model selection."""
