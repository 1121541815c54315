rule rows:
    input:
        sheet=CONFIG.sheet,
        tables=face_tables,
        copies=copy_tables,
    output:
        rows=f"{BRANCH}/rows.tsv",
        records=f"{BRANCH}/faces.tsv",
    log:
        f"{BRANCH}/logs/rows.log",
    benchmark:
        f"{BRANCH}/benchmarks/rows.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("rows")
    resources:
        **requests("rows"),
    params:
        job=lambda wildcards: {"code": code("rows")},
    message:
        "ordering the faces of all batches"
    script:
        "../scripts/rows.py"


rule matrix:
    input:
        tables=face_tables,
        vectors=vector_files,
        copies=copy_tables,
        copied=copy_files,
    output:
        matrix=f"{FEATURES}/matrix.npy",
    log:
        f"{BRANCH}/logs/matrix/{{features}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/matrix/{{features}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("matrix")
    resources:
        **requests("matrix"),
    params:
        job=lambda wildcards: {"code": code("matrix")},
    message:
        "gathering {wildcards.features} of all faces into one matrix"
    script:
        "../scripts/matrix.py"
