# FaceForensics++ by the user's own copy of its download script: `snakemake download`. The tree is
# no output: Snakemake would remove it before a job continues. The code is no param: an update of
# the workflow must not download again.
FETCHED = f"{CONFIG.download.folder}/.downloaded"


localrules:
    download,


rule download:
    input:
        expand(
            f"{FETCHED}/{{subset}}.{{compression}}.{CONFIG.download.type}.json",
            subset=CONFIG.download.datasets,
            compression=CONFIG.download.compressions,
        ),


rule download_part:
    output:
        marker=f"{FETCHED}/{{subset}}.{{compression}}.{CONFIG.download.type}.json",
    log:
        f"{RUN}/logs/download/{{subset}}.{{compression}}.log",
    benchmark:
        f"{RUN}/benchmarks/download/{{subset}}.{{compression}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("download_part")
    resources:
        **requests("download_part"),
    params:
        job=lambda wildcards: {
            "download": {
                **plain(CONFIG.download),
                "datasets": [wildcards.subset],
                "compressions": [wildcards.compression],
            }
        },
    message:
        "downloading {wildcards.subset} in {wildcards.compression}"
    script:
        "../scripts/download.py"
