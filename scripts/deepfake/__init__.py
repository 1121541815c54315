"""Finding deepfake videos: the library behind the workflow. It knows nothing of Snakemake."""
