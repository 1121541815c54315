"""How much of a video is read. The Snakefile imports this, so nothing heavy is imported."""

MOST_SECONDS = 600.0  # what comes later is left out, so that a job's time is known before
