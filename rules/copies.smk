# Training copies: each face again, from its clip encoded again or scaled (training.copies).
rule copies:
    input:
        videos=lambda wildcards: watched(wildcards.batch),
        table=f"{RUN}/faces/{{batch}}.tsv",
    output:
        faces=f"{RUN}/copies/{{batch}}.npy",
        crops=f"{RUN}/copies/{{batch}}.tar",
        table=f"{RUN}/copies/{{batch}}.tsv",
    log:
        f"{RUN}/logs/copies/{{batch}}.log",
    benchmark:
        f"{RUN}/benchmarks/copies/{{batch}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("copies")
    resources:
        **requests("copies"),
    params:
        job=lambda wildcards: {
            "videos": copied_videos(wildcards.batch),
            "frames": plain(CONFIG.frames),
            "faces": plain(CONFIG.faces),
            "copies": plain(CONFIG.training.copies),
            "seed": CONFIG.seed,
            "keys": {"copies": "training.copies"},
            "code": code("copies", *perturbations.modules(plain(CONFIG.training.copies))),
        },
    message:
        "cutting the faces of batch {wildcards.batch} out of perturbed copies of its clips"
    script:
        "../scripts/copies.py"


use rule features as copy_features with:
    input:
        crops=f"{RUN}/copies/{{batch}}.tar",
        table=f"{RUN}/copies/{{batch}}.tsv",
    output:
        vectors=f"{FEATURES}/copies/{{batch}}.npy",
    log:
        f"{RUN}/logs/copy_features/{{features}}.{{batch}}.log",
    benchmark:
        f"{RUN}/benchmarks/copy_features/{{features}}.{{batch}}.jsonl"
    threads: threads("copy_features")
    resources:
        **requests("copy_features"),
    message:
        "computing {wildcards.features} of the training copies of batch {wildcards.batch}"
