# The original experiment's runs, each one job as in the original: fitted on the frame split's training
# rows and tested on the rest. The searched one is the run's own forest.
rule original_run:
    input:
        matrix=f"{RUN}/{features.PIXELS}/matrix.npy",
        rows=f"{RUN}/rows.tsv",
        audit=f"{RUN}/splits/{published_results.PROTOCOL}.audit.json",
        products=lambda wildcards: published_grams(wildcards, ".npy"),
        facts=lambda wildcards: published_grams(wildcards, ".json"),
        compiled=lambda wildcards: compiled_files(PLAN.published[wildcards.published]),
    output:
        record=f"{ORIGINAL}/original/{{published}}.json",
        text=f"{ORIGINAL}/original/{{published}}.txt",
    log:
        f"{RUN}/logs/original_run/{{published}}.log",
    benchmark:
        f"{RUN}/benchmarks/original_run/{{published}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("original_run")
    resources:
        **requests("original_run"),
    params:
        job=lambda wildcards: published_job(wildcards.published),
    message:
        "repeating {wildcards.published} of the original experiment"
    script:
        "../scripts/original_run.py"
