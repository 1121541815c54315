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
        **asks("faces"),
    params:
        # every face of a video that is asked about is judged
        job={
            "faces": plain(CONFIG.faces) | ({"choose": "all"} if ASKED else {}),
            "code": code("faces"),
        },
    message:
        "cutting out the faces of batch {wildcards.batch}"
    script:
        "../scripts/faces.py"
