"""Bundles of fitted models, and verdicts on new videos."""
