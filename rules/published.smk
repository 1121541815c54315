# Published runs that are repeated, each one job: fitted on the training rows of its experiment's feature
# set and split, and tested on the rest. A run whose settings a search chose is the run's own.
rule published_run:
    input:
        matrix=f"{RUN}/{{features}}/matrix.npy",
        rows=f"{RUN}/rows.tsv",
        audit=f"{RUN}/splits/{{protocol}}.audit.json",
        products=lambda wildcards: published_grams(wildcards, ".npy"),
        facts=lambda wildcards: published_grams(wildcards, ".json"),
        compiled=lambda wildcards: compiled_files(PLAN.published[wildcards.published]),
    output:
        record=f"{RUN}/{{features}}/{{protocol}}/published/{{published}}.json",
        text=f"{RUN}/{{features}}/{{protocol}}/published/{{published}}.txt",
    log:
        f"{RUN}/logs/published_run/{{features}}.{{protocol}}/{{published}}.log",
    benchmark:
        f"{RUN}/benchmarks/published_run/{{features}}.{{protocol}}/{{published}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("published_run")
    resources:
        **requests("published_run"),
    params:
        job=lambda wildcards: published_job(wildcards),
    message:
        "repeating {wildcards.published}, {wildcards.features}, {wildcards.protocol}"
    script:
        "../scripts/published_run.py"
