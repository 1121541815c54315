# Classify new videos. The bundle is no input: after an update of the repository, classifying one
# video must never start a training.
localrules:
    classify,


rule classify:
    input:
        RESULT,


rule previews:
    input:
        frames=f"{RUN}/frames/{{batch}}.tar",
        table=f"{RUN}/frames/{{batch}}.tsv",
    output:
        previews=f"{RUN}/previews/{{batch}}.tar",
    log:
        f"{RUN}/logs/previews/{{batch}}.log",
    benchmark:
        f"{RUN}/benchmarks/previews/{{batch}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("previews")
    resources:
        **requests("previews"),
    params:
        job=lambda wildcards: {"code": code("previews")},
    message:
        "shrinking the frames of batch {wildcards.batch}"
    script:
        "../scripts/previews.py"


rule classify_batch:
    input:
        **person_files("{batch}"),
        faces=f"{RUN}/faces/{{batch}}.npy",
        crops=f"{RUN}/faces/{{batch}}.tar",
        table=f"{RUN}/faces/{{batch}}.tsv",
        frames=f"{RUN}/frames/{{batch}}.tsv",
        previews=f"{RUN}/previews/{{batch}}.tar",
    output:
        pages=directory(f"{RUN}/pages/{{batch}}"),
        verdicts=f"{RUN}/judged/{{batch}}.tsv",
        described=f"{RUN}/judged/{{batch}}.jsonl",
        tracks=f"{RUN}/tracks/{{batch}}.tsv",
        scores=f"{RUN}/scores/{{batch}}.tsv",
    log:
        f"{RUN}/logs/classify_batch/{{batch}}.log",
    benchmark:
        f"{RUN}/benchmarks/classify_batch/{{batch}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("classify_batch")
    resources:
        **requests("classify_batch"),
    params:
        job=lambda wildcards: {
            "batch": wildcards.batch,
            "bundle": OPTIONS.bundle,
            "decoder": frames.decoder_name(),
            "prior": OPTIONS.prior,
            "code": code(
                "classify",
                *(f"models.{name}" for name in catalogue.SPECS),
                *(f"features.{name}" for name in features.NAMES),
            ),
        },
    message:
        "judging the videos of batch {wildcards.batch}"
    script:
        "../scripts/classify.py"


rule verdicts:
    input:
        **person_files(),
        verdicts=expand(f"{RUN}/judged/{{batch}}.tsv", batch=PLAN.batches),
        described=expand(f"{RUN}/judged/{{batch}}.jsonl", batch=PLAN.batches),
        tracks=expand(f"{RUN}/tracks/{{batch}}.tsv", batch=PLAN.batches),
    output:
        **person_tables(),
        table=f"{RUN}/verdicts.tsv",
        tracks=f"{RUN}/tracks.tsv",
        described=directory(f"{RUN}/verdicts"),
        page=report(
            f"{RUN}/verdicts.html",
            category=RUN,
            labels={"what": "verdicts"},
        ),
        text=RESULT,
    log:
        f"{RUN}/logs/verdicts.log",
    benchmark:
        f"{RUN}/benchmarks/verdicts.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("verdicts")
    resources:
        **requests("verdicts"),
    params:
        job=lambda wildcards: {
            "others": [list(other) for other in OTHERS],
            "code": code("verdicts"),
        },
    message:
        "writing the verdicts"
    script:
        "../scripts/verdicts.py"
