# Learn how a person moves: `snakemake enroll --config person=NAME videos=...`.
localrules:
    enroll,


rule enroll:
    input:
        RESULT,


rule enrolment:
    input:
        own_correlations=enrolled_files(".npy", "person"),
        own_starts=enrolled_files(".tsv", "person"),
        own_followed=enrolled_files(".videos.tsv", "person"),
        others_correlations=enrolled_files(".npy", "other"),
        others_starts=enrolled_files(".tsv", "other"),
        others_followed=enrolled_files(".videos.tsv", "other"),
    output:
        record=f"{RUN}/person.json",
        support_vectors=f"{RUN}/support_vectors.npy",
        coefficients=f"{RUN}/coefficients.npy",
        windows=f"{RUN}/windows.tsv",
        videos=f"{RUN}/videos.tsv",
        page=report(
            PAGE,
            category=RUN,
            labels={"what": "enrolment"},
        ),
        text=RESULT,
    log:
        f"{RUN}/logs/enrolment.log",
    benchmark:
        f"{RUN}/benchmarks/enrolment.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("enrolment")
    resources:
        **requests("enrolment"),
    params:
        job=lambda wildcards: {
            "person": OPTIONS.person,
            "unread": [list(one) for one in UNREAD],
            "code": code("enrolment"),
        },
    message:
        "learning how {OPTIONS.person} moves"
    script:
        "../scripts/enrolment.py"
