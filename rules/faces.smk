rule faces:
    input:
        frames=f"{BRANCH}/frames/{{batch}}.tar",
        table=f"{BRANCH}/frames/{{batch}}.tsv",
    output:
        faces=f"{BRANCH}/faces/{{batch}}.npy",
        crops=f"{BRANCH}/faces/{{batch}}.tar",
        table=f"{BRANCH}/faces/{{batch}}.tsv",
    log:
        f"{BRANCH}/logs/faces/{{batch}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/faces/{{batch}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("faces")
    resources:
        **requests("faces"),
    params:
        # for new videos all faces are kept
        job=lambda wildcards: {
            "faces": plain(config_of(wildcards).faces)
            | ({"choose": "all"} if CLASSIFYING else {}),
            "hashes": not CLASSIFYING,  # they are for the leak audit
            "code": code("faces"),
        },
    message:
        "cutting out the faces of batch {wildcards.batch}"
    script:
        "../scripts/faces.py"
