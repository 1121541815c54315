rule gram:
    input:
        matrix=f"{FEATURES}/matrix.npy",
        split=f"{BRANCH}/splits/{{protocol}}.tsv",
    output:
        products=f"{FEATURES}/{{protocol}}/gram/{{scaling}}.{{fold}}.npy",
        facts=f"{FEATURES}/{{protocol}}/gram/{{scaling}}.{{fold}}.json",
    log:
        f"{BRANCH}/logs/gram/{{features}}.{{protocol}}.{{scaling}}.{{fold}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/gram/{{features}}.{{protocol}}.{{scaling}}.{{fold}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("gram")
    resources:
        **requests("gram"),
    params:
        job=lambda wildcards: {
            "scaling": wildcards.scaling,
            "fold": wildcards.fold,
            "code": code("gram"),
        },
    message:
        "inner products of training rows: {wildcards.features}, {wildcards.protocol}, scaling {wildcards.scaling}, fold {wildcards.fold}"
    script:
        "../scripts/gram.py"
