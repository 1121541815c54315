"""Running the workflow on a cluster: what knows both of Snakemake and of the schedulers.

scheduler_commands   run a scheduler's command with a time limit
slurm, lsf           one scheduler each: its jobs, and its evidence of why one failed
lsf_config           the parts of LSF's configuration that a run needs
snakemake_logs       read jobs and failures of earlier runs from Snakemake's logs
preflight            problems of a run, found before its first job
probe_job            one tiny job that tests the shared folder and the environment on a node
job_estimate         jobs, memory, time and core hours that a run would request
controller_lock      allow one controller in a folder
controller           start a run, and continue after a crash
snakemake_process    Snakemake as a child process of the controller, and the signals that end it
watchdog             detect a hanging Snakemake; report why submissions and jobs wait
terminal             output that continues in a file when the terminal is closed
usage_table          tables of requested and used resources
plugin_patches       changes of Snakemake's executor plugins that no option makes
status_wrappers      wrappers of sacct and bjobs
submission_wrappers  wrappers of sbatch and bsub

The scripts in bin/ stand before sacct, bjobs, sbatch and bsub on the PATH and call the wrappers.
"""
