rule matrix:
    input:
        sheet=CONFIG.sheet,
        faces=expand(f"{RUN}/faces/{{batch}}.npy", batch=PLAN.batches),
        tables=expand(f"{RUN}/faces/{{batch}}.tsv", batch=PLAN.batches),
    output:
        matrix=f"{FEATURES}/matrix.npy",
        rows=f"{RUN}/rows.tsv",
        records=f"{RUN}/faces.tsv",
    log:
        f"{RUN}/logs/matrix.log",
    benchmark:
        f"{RUN}/benchmarks/matrix.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("matrix")
    resources:
        **asks("matrix"),
    params:
        job={"code": code("matrix")},
    message:
        "gathering all faces into one matrix"
    script:
        "../scripts/matrix.py"
