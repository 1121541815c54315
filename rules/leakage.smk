# The leakage ablation, `snakemake leakage`: one training size, several splits, and shuffled labels.
# After its splits, the rules of every other split do the work.
LACKING = lacking_splits()
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
        **requests("leakage_splits"),
    params:
        job=lambda wildcards: {
            "names": COMPARED,
            "split": split_settings(),
            "keys": SPLIT_KEYS,
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
        figure=report(
            f"{RUN}/leakage.svg",
            category=RUN,
            labels={"what": "what a leak is worth, figure"},
        ),
        page=report(
            f"{RUN}/leakage.html",
            category=RUN,
            labels={"what": "what a leak is worth"},
        ),
    log:
        f"{RUN}/logs/leakage_page.log",
    benchmark:
        f"{RUN}/benchmarks/leakage_page.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("leakage_page")
    resources:
        **requests("leakage_page"),
    params:
        job=lambda wildcards: {
            "run": CONFIG.run,
            "names": PLAN.swept(COMPARED)["protocol"],
            "lacking": {name: reason for name, reason in LACKING.items() if reason},
            "models": catalogue.on_pages(PLAN.candidates),
            "code": code("leakage_page"),
        },
    message:
        "writing the ablation of the leak"
    script:
        "../scripts/leakage_page.py"
