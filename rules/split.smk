rule split:
    input:
        rows=f"{BRANCH}/rows.tsv",
        base=base_split,
    output:
        split=f"{BRANCH}/splits/{{protocol}}.tsv",
        audit=f"{BRANCH}/splits/{{protocol}}.audit.json",
    log:
        f"{BRANCH}/logs/split/{{protocol}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/split/{{protocol}}.jsonl"
    wildcard_constraints:
        protocol=f"[a-z]+|{leave_one_out.NAMED}[a-z0-9-]+",
    conda:
        "../envs/deepfake.yaml"
    threads: threads("split")
    resources:
        **requests("split"),
    params:
        job=lambda wildcards: {
            "split": {
                "protocol": wildcards.protocol,
                **split_settings(),
                "paired": CONFIG.split.paired,
                "cross": crossed(wildcards.protocol),
            },
            "keys": SPLIT_KEYS | (LEFT_OUT_KEYS if wildcards.protocol in LEFT_OUT else {}),
            "code": code("split"),
        },
    message:
        "choosing test rows and folds: {wildcards.protocol}"
    script:
        "../scripts/split.py"
