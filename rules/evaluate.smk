rule evaluate:
    input:
        matrix=f"{FEATURES}/matrix.npy",
        rows=labelled_rows,
        split=f"{RUN}/splits/{{protocol}}.tsv",
        audit=f"{RUN}/splits/{{protocol}}.audit.json",
        bundle=f"{FEATURES}/{{protocol}}/models/{{model}}/bundle.json",
    output:
        frames=f"{FEATURES}/{{protocol}}/evaluation/{{model}}/frames.tsv",
        videos=f"{FEATURES}/{{protocol}}/evaluation/{{model}}/videos.tsv",
        metrics=f"{FEATURES}/{{protocol}}/evaluation/{{model}}/metrics.json",
        text=f"{FEATURES}/{{protocol}}/evaluation/{{model}}/report.txt",
    log:
        f"{RUN}/logs/evaluate/{{features}}.{{protocol}}.{{model}}.log",
    benchmark:
        f"{RUN}/benchmarks/evaluate/{{features}}.{{protocol}}.{{model}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("evaluate")
    resources:
        **requests("evaluate"),
    params:
        # the ledger is no output: no rerun may delete or restart it
        job=lambda wildcards: {
            "ledger": LEDGER,
            "evaluation": evaluation_settings(),
            "code": code("evaluate", *modules(wildcards.model)),
        },
    message:
        "scoring the test rows with {wildcards.model}, {wildcards.features}, {wildcards.protocol}"
    script:
        "../scripts/evaluate.py"


rule summary:
    input:
        metrics=for_each_model("evaluation/{model}/metrics.json"),
        videos=for_each_model("evaluation/{model}/videos.tsv"),
        rows=f"{RUN}/rows.tsv",
        records=f"{RUN}/faces.tsv",
        splits=expand(f"{RUN}/splits/{{protocol}}.tsv", protocol=CONFIG.split.protocols),
        selections=expand(f"{RUN}/selection/{{protocol}}.json", protocol=CONFIG.split.protocols),
    output:
        table=f"{RUN}/summary.tsv",
        pairs=f"{RUN}/comparisons.tsv",
        shortcuts=f"{RUN}/shortcuts.tsv",
        text=report(
            f"{RUN}/summary.txt",
            category=RUN,
            labels={"what": "the table of scores"},
        ),
        best=f"{RUN}/best.json",
        known=for_each_model("models/{model}/known.json"),
    log:
        f"{RUN}/logs/summary.log",
    benchmark:
        f"{RUN}/benchmarks/summary.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("summary")
    resources:
        **requests("summary"),
    params:
        job=lambda wildcards: {
            "evaluation": evaluation_settings(),
            "protocols": CONFIG.split.protocols,
            "keys": {"protocols": "split.protocols"},
            "folder": RUN,
            "ranks": {model: catalogue.RANKS[model] for model in PLAN.candidates},
            "code": code("summary"),
        },
    message:
        "writing the table of all models"
    script:
        "../scripts/summary.py"
