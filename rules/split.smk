rule split:
    input:
        rows=f"{RUN}/rows.tsv",
    output:
        split=f"{RUN}/splits/{{protocol}}.tsv",
        audit=f"{RUN}/splits/{{protocol}}.audit.json",
    log:
        f"{RUN}/logs/split/{{protocol}}.log",
    benchmark:
        f"{RUN}/benchmarks/split/{{protocol}}.jsonl"
    wildcard_constraints:
        protocol="[a-z]+",
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
                "cross": plain(CONFIG.split.cross) if wildcards.protocol == "cross" else None,
            },
            "keys": SPLIT_KEYS,
            "code": code("split"),
        },
    message:
        "choosing test rows and folds: {wildcards.protocol}"
    script:
        "../scripts/split.py"
