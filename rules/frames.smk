rule frames:
    input:
        videos=lambda wildcards: watched(wildcards.batch),
    output:
        frames=temp(f"{RUN}/frames/{{batch}}.tar"),
        table=f"{RUN}/frames/{{batch}}.tsv",
    log:
        f"{RUN}/logs/frames/{{batch}}.log",
    benchmark:
        f"{RUN}/benchmarks/frames/{{batch}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("frames")
    resources:
        **requests("frames"),
    params:
        job=lambda wildcards: {
            "videos": batch_videos(wildcards.batch),
            "frames": plain(CONFIG.frames),
            "code": code("frames"),
        },
    message:
        "taking frames out of the videos of batch {wildcards.batch}"
    script:
        "../scripts/frames.py"
