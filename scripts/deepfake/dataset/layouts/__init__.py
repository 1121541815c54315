"""Trees of published datasets as rows of a sheet; the registry is in `registry`."""
