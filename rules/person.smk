# What a person's model says of videos that are classified. Its bundle is no input: see classify.smk.
rule person_scores:
    input:
        correlations=f"{RUN}/windows/{{batch}}.npy",
        starts=f"{RUN}/windows/{{batch}}.tsv",
        followed=f"{RUN}/windows/{{batch}}.videos.tsv",
    output:
        answers=f"{RUN}/person/{{batch}}.answers.tsv",
        scores=f"{RUN}/person/{{batch}}.scores.tsv",
    log:
        f"{RUN}/logs/person_scores/{{batch}}.log",
    benchmark:
        f"{RUN}/benchmarks/person_scores/{{batch}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("person_scores")
    resources:
        **requests("person_scores"),
    params:
        job=lambda wildcards: {
            "folder": OPTIONS.person,
            "model": person_file.digest(OPTIONS.person),
            "code": code("person_scores"),
        },
    message:
        "scoring the movements in batch {wildcards.batch}"
    script:
        "../scripts/person_scores.py"
