# The ablation of the leak, `snakemake leakage`: one training size, several splits, and labels that
# mean nothing. From its splits on, the rules of every other split do the work.
LACKING = protocols.leakage(VIDEOS, CONFIG.split.folds.k)
COMPARED = [name for name, reason in LACKING.items() if not reason]


localrules:
    leakage,


rule leakage:
    input:
        f"{RUN}/leakage.html",


rule leakage_splits:
    input:
        rows=f"{RUN}/rows.tsv",
    output:
        shuffled=f"{RUN}/shuffled.tsv",
        splits=expand(f"{RUN}/splits/{{name}}.tsv", name=COMPARED),
        audits=expand(f"{RUN}/splits/{{name}}.audit.json", name=COMPARED),
    log:
        f"{RUN}/logs/leakage_splits.log",
    benchmark:
        f"{RUN}/benchmarks/leakage_splits.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("leakage_splits")
    resources:
        **asks("leakage_splits"),
    params:
        job={
            "names": COMPARED,
            "split": {
                "test_size": CONFIG.split.test_size,
                **plain(CONFIG.split.folds),
                **plain(CONFIG.split.rows),
                "seed": CONFIG.seed,
            },
            "code": code("leakage_splits"),
        },
    message:
        "choosing the splits of the ablation: trainings of one size"
    script:
        "../scripts/leakage_splits.py"


rule leakage_page:
    input:
        metrics=for_each_model("evaluation/{model}/metrics.json", COMPARED),
        audits=expand(f"{RUN}/splits/{{name}}.audit.json", name=PLAN.swept(COMPARED)["protocol"]),
    output:
        table=f"{RUN}/leakage.tsv",
        figure=f"{RUN}/leakage.svg",
        page=f"{RUN}/leakage.html",
    log:
        f"{RUN}/logs/leakage_page.log",
    benchmark:
        f"{RUN}/benchmarks/leakage_page.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("leakage_page")
    resources:
        **asks("leakage_page"),
    params:
        job={
            "run": CONFIG.run,
            "names": PLAN.swept(COMPARED)["protocol"],
            "lacking": {name: reason for name, reason in LACKING.items() if reason},
            "code": code("leakage_page"),
        },
    message:
        "writing the ablation of the leak"
    script:
        "../scripts/leakage_page.py"
