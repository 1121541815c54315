# Cross-validation fit of a network, holding out one fold. It continues after a killed attempt.
ruleorder: train > search


rule train:
    input:
        matrix=f"{FEATURES}/matrix.npy",
        rows=labelled_rows,
        split=f"{RUN}/splits/{{protocol}}.tsv",
    output:
        table=f"{FEATURES}/{{protocol}}/search/{{model}}/{{chunk}}.{{fold}}.tsv",
        values=f"{FEATURES}/{{protocol}}/search/{{model}}/{{chunk}}.{{fold}}.npy",
        curve=f"{FEATURES}/{{protocol}}/search/{{model}}/{{chunk}}.{{fold}}.curve.tsv",
    log:
        f"{RUN}/logs/train/{{features}}.{{protocol}}.{{model}}.{{chunk}}.{{fold}}.log",
    benchmark:
        f"{RUN}/benchmarks/train/{{features}}.{{protocol}}.{{model}}.{{chunk}}.{{fold}}.jsonl"
    wildcard_constraints:
        model="mesonet",
    conda:
        "../envs/deepfake.yaml"
    threads: threads("train")
    resources:
        **requests("train"),
    params:
        job=lambda wildcards: {
            "protocol": wildcards.protocol,
            "candidates": PLAN.chosen(wildcards.model, wildcards.chunk),
            "keys": {"candidates": f"sweep.{wildcards.model}"},
            "fold": int(wildcards.fold),
            "seed": CONFIG.seed,
            "code": code("train"),
        },
    message:
        "training {wildcards.model}, chunk {wildcards.chunk}, fold {wildcards.fold}, {wildcards.protocol}"
    script:
        "../scripts/train.py"
