"""A model of how one person moves, and its scores of new videos."""
