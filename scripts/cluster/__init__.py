"""Running the workflow on a cluster: what knows both of Snakemake and of the schedulers.

commands    asking a scheduler's command, with a bound on its time
slurm, lsf  one scheduler each: its jobs, and its evidence of why one failed
runs        what Snakemake's own logs tell of earlier runs: their jobs, their failures
preflight   what breaks a run, found before its first job
controller  starting a run, watching it, going on after a crash
usage       what jobs asked for and what they used
"""
