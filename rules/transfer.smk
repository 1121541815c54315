# Scores of what was left out of training: `snakemake transfer`. Each method, dataset or compression
# of the sheet has a split of its own, under which the rules of every split train and score.
LEFT_OUT = left_out_splits()
HELD_OUT = [name for name, split in LEFT_OUT.items() if not split["reason"]]


localrules:
    transfer,


rule transfer:
    input:
        f"{RUN}/transfer.html",


rule transfer_page:
    input:
        metrics=for_each_model("evaluation/{model}/metrics.json", HELD_OUT),
        videos=for_each_model("evaluation/{model}/videos.tsv", HELD_OUT),
        audits=expand(f"{RUN}/splits/{{name}}.audit.json", name=HELD_OUT),
    output:
        table=f"{RUN}/transfer.tsv",
        figure=report(
            f"{RUN}/transfer.svg",
            category=RUN,
            labels={"what": "scores of what was left out of training, figure"},
        ),
        page=report(
            f"{RUN}/transfer.html",
            category=RUN,
            labels={"what": "scores of what was left out of training"},
        ),
    log:
        f"{RUN}/logs/transfer_page.log",
    benchmark:
        f"{RUN}/benchmarks/transfer_page.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("transfer_page")
    resources:
        **requests("transfer_page"),
    params:
        job=lambda wildcards: {
            "run": CONFIG.run,
            "by": CONFIG.transfer.by,
            "evaluation": plain(CONFIG.evaluation, "level"),
            "lacking": {
                split["cross"]["test"][0]: split["reason"]
                for split in LEFT_OUT.values()
                if split["reason"]
            },
            "keys": {"by": "transfer.by"},
            "models": catalogue.on_pages(PLAN.candidates),
            "code": code("transfer_page"),
        },
    message:
        "writing how models score what was left out of training"
    script:
        "../scripts/transfer_page.py"
