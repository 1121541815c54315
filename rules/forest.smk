# Nodes with another processor than this job's compile for themselves, each kind once.
rule compile:
    output:
        compiled=f"{RUN}/compiled/told.txt",
    log:
        f"{RUN}/logs/compile.log",
    benchmark:
        f"{RUN}/benchmarks/compile.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("compile")
    resources:
        **asks("compile"),
    params:
        job={"code": code("compile")},
    message:
        "compiling what grows forests"
    script:
        "../scripts/compile.py"
