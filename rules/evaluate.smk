rule evaluate:
    input:
        matrix=f"{FEATURES}/matrix.npy",
        rows=labelled_rows,
        split=f"{BRANCH}/splits/{{protocol}}.tsv",
        audit=f"{BRANCH}/splits/{{protocol}}.audit.json",
        bundle=f"{FEATURES}/{{protocol}}/models/{{model}}/bundle.json",
    output:
        frames=f"{FEATURES}/{{protocol}}/evaluation/{{model}}/frames.tsv",
        videos=f"{FEATURES}/{{protocol}}/evaluation/{{model}}/videos.tsv",
        metrics=f"{FEATURES}/{{protocol}}/evaluation/{{model}}/metrics.json",
        text=f"{FEATURES}/{{protocol}}/evaluation/{{model}}/report.txt",
    log:
        f"{BRANCH}/logs/evaluate/{{features}}.{{protocol}}.{{model}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/evaluate/{{features}}.{{protocol}}.{{model}}.jsonl"
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
        metrics=for_each_model("evaluation/{model}/metrics.json", folder=BRANCH),
        videos=for_each_model("evaluation/{model}/videos.tsv", folder=BRANCH),
        rows=f"{BRANCH}/rows.tsv",
        records=f"{BRANCH}/faces.tsv",
        splits=for_each_protocol("splits/{protocol}.tsv"),
        selections=for_each_protocol("selection/{protocol}.json"),
    output:
        table=f"{BRANCH}/summary.tsv",
        pairs=f"{BRANCH}/comparisons.tsv",
        shortcuts=f"{BRANCH}/shortcuts.tsv",
        text=report(
            f"{BRANCH}/summary.txt",
            category=BRANCH,
            labels={"what": "the table of scores"},
        ),
        best=f"{BRANCH}/best.json",
        known=for_each_model("models/{model}/known.json", folder=BRANCH),
    log:
        f"{BRANCH}/logs/summary.log",
    benchmark:
        f"{BRANCH}/benchmarks/summary.jsonl"
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
            "folder": f"{RUN}{branch_of(wildcards).folder}",
            "ranks": {model: catalogue.RANKS[model] for model in PLAN.candidates},
            "code": code("summary"),
        },
    message:
        "writing the table of all models"
    script:
        "../scripts/summary.py"
