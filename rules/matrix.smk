rule matrix:
    input:
        sheet=CONFIG.sheet,
        faces=expand(f"{RUN}/faces/{{batch}}.npy", batch=BATCHES),
        tables=expand(f"{RUN}/faces/{{batch}}.tsv", batch=BATCHES),
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
        mem_mb=mem_mb("matrix"),
        runtime=runtime("matrix"),
    params:
        job={"code": code("matrix")},
    message:
        "gathering all faces into one matrix"
    script:
        "../scripts/matrix.py"
