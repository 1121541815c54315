# How a face moves in each ten seconds of a video: for a person's model, and to be scored by one.
rule windows:
    input:
        videos=lambda wildcards: watched(wildcards.batch),
    output:
        correlations=f"{RUN}/windows/{{batch}}.npy",
        starts=f"{RUN}/windows/{{batch}}.tsv",
        followed=f"{RUN}/windows/{{batch}}.videos.tsv",
    log:
        f"{RUN}/logs/windows/{{batch}}.log",
    benchmark:
        f"{RUN}/benchmarks/windows/{{batch}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("windows")
    resources:
        **requests("windows"),
    params:
        job=lambda wildcards: {
            "videos": batch_videos(wildcards.batch),
            "code": code("windows"),
        },
    message:
        "following the faces of batch {wildcards.batch}"
    script:
        "../scripts/windows.py"
