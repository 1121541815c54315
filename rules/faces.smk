rule faces:
    input:
        frames=f"{RUN}/frames/{{batch}}.tar",
        table=f"{RUN}/frames/{{batch}}.tsv",
    output:
        faces=f"{RUN}/faces/{{batch}}.npy",
        crops=f"{RUN}/faces/{{batch}}.tar",
        table=f"{RUN}/faces/{{batch}}.tsv",
    log:
        f"{RUN}/logs/faces/{{batch}}.log",
    benchmark:
        f"{RUN}/benchmarks/faces/{{batch}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("faces")
    resources:
        **requests("faces"),
    params:
        # for new videos all faces are kept
        job=lambda wildcards: {
            "faces": plain(CONFIG.faces) | ({"choose": "all"} if CLASSIFYING else {}),
            "hashes": not CLASSIFYING,  # they are for the leak audit
            "code": code("faces"),
        },
    message:
        "cutting out the faces of batch {wildcards.batch}"
    script:
        "../scripts/faces.py"
