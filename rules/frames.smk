rule frames:
    input:
        videos=lambda wildcards: watched(wildcards.batch),
    output:
        frames=temp(f"{BRANCH}/frames/{{batch}}.tar"),
        table=f"{BRANCH}/frames/{{batch}}.tsv",
    log:
        f"{BRANCH}/logs/frames/{{batch}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/frames/{{batch}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("frames")
    resources:
        **requests("frames"),
    params:
        job=lambda wildcards: {
            "videos": batch_videos(wildcards.batch),
            "frames": plain(config_of(wildcards).frames),
            "code": code("frames"),
        },
    message:
        "taking frames out of the videos of batch {wildcards.batch}"
    script:
        "../scripts/frames.py"
