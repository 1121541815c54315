# Training copies: each face again, from its clip encoded again or scaled (training.copies).
rule copies:
    input:
        videos=lambda wildcards: watched(wildcards.batch),
        table=lambda wildcards: f"{folder_of('faces', wildcards)}/faces/{wildcards.batch}.tsv",
    output:
        faces=f"{BRANCH}/copies/{{batch}}.npy",
        crops=f"{BRANCH}/copies/{{batch}}.tar",
        table=f"{BRANCH}/copies/{{batch}}.tsv",
    log:
        f"{BRANCH}/logs/copies/{{batch}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/copies/{{batch}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("copies")
    resources:
        **requests("copies"),
    params:
        job=lambda wildcards: {
            "videos": copied_videos(wildcards.batch),
            "frames": plain(config_of(wildcards).frames),
            "faces": plain(config_of(wildcards).faces),
            "copies": plain(config_of(wildcards).training.copies),
            "seed": CONFIG.seed,
            "keys": {"copies": "training.copies"},
            "code": code("copies", *copy_modules(wildcards)),
        },
    message:
        "cutting the faces of batch {wildcards.batch} out of perturbed copies of its clips"
    script:
        "../scripts/copies.py"


use rule features as copy_features with:
    input:
        crops=f"{BRANCH}/copies/{{batch}}.tar",
        table=f"{BRANCH}/copies/{{batch}}.tsv",
    output:
        vectors=f"{FEATURES}/copies/{{batch}}.npy",
    log:
        f"{BRANCH}/logs/copy_features/{{features}}.{{batch}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/copy_features/{{features}}.{{batch}}.jsonl"
    threads: threads("copy_features")
    resources:
        **requests("copy_features"),
    message:
        "computing {wildcards.features} of the training copies of batch {wildcards.batch}"
