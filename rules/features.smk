rule features:
    input:
        crops=f"{BRANCH}/faces/{{batch}}.tar",
        table=f"{BRANCH}/faces/{{batch}}.tsv",
    output:
        vectors=f"{FEATURES}/batches/{{batch}}.npy",
    log:
        f"{BRANCH}/logs/features/{{features}}.{{batch}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/features/{{features}}.{{batch}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("features")
    resources:
        **requests("features"),
    params:
        job=lambda wildcards: {
            "features": wildcards.features,
            "code": code("features", f"features.{wildcards.features}"),
        },
    message:
        "computing {wildcards.features} of batch {wildcards.batch}"
    script:
        "../scripts/features.py"
