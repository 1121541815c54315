# Cross-validation fit of a network, holding out one fold. It continues after a killed attempt.
ruleorder: train > search


rule train:
    input:
        matrix=f"{FEATURES}/matrix.npy",
        rows=labelled_rows,
        split=f"{BRANCH}/splits/{{protocol}}.tsv",
    output:
        table=f"{FEATURES}/{{protocol}}/search/{{model}}/{{chunk}}.{{fold}}.tsv",
        values=f"{FEATURES}/{{protocol}}/search/{{model}}/{{chunk}}.{{fold}}.npy",
        curve=f"{FEATURES}/{{protocol}}/search/{{model}}/{{chunk}}.{{fold}}.curve.tsv",
    log:
        f"{BRANCH}/logs/train/{{features}}.{{protocol}}.{{model}}.{{chunk}}.{{fold}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/train/{{features}}.{{protocol}}.{{model}}.{{chunk}}.{{fold}}.jsonl"
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
            "candidates": plan_of(wildcards).chosen(wildcards.model, wildcards.chunk),
            "keys": {"candidates": f"sweep.{wildcards.model}"},
            "fold": int(wildcards.fold),
            "seed": CONFIG.seed,
            "code": code("train"),
        },
    message:
        "training {wildcards.model}, chunk {wildcards.chunk}, fold {wildcards.fold}, {wildcards.protocol}"
    script:
        "../scripts/train.py"
