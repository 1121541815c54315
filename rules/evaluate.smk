rule evaluate:
    input:
        matrix=f"{FEATURES}/matrix.npy",
        rows=labelled_rows,
        split=f"{RUN}/splits/{{protocol}}.tsv",
        audit=f"{RUN}/splits/{{protocol}}.audit.json",
        bundle=f"{FEATURES}/{{protocol}}/models/{{model}}/bundle.json",
        out_of_fold=f"{FEATURES}/{{protocol}}/search/{{model}}.out_of_fold.tsv",
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
        **asks("evaluate"),
    params:
        # the ledger is no output: nothing may delete it, and no rerun starts it anew
        job=lambda wildcards: {
            "ledger": LEDGER,
            "evaluation": plain(CONFIG.evaluation),
            "seed": CONFIG.seed,
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
    output:
        table=f"{RUN}/summary.tsv",
        pairs=f"{RUN}/comparisons.tsv",
        text=f"{RUN}/summary.txt",
        best=f"{RUN}/best.json",
    log:
        f"{RUN}/logs/summary.log",
    benchmark:
        f"{RUN}/benchmarks/summary.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("summary")
    resources:
        **asks("summary"),
    params:
        job={
            "evaluation": plain(CONFIG.evaluation),
            "seed": CONFIG.seed,
            "folder": RUN,
            "code": code("summary"),
        },
    message:
        "writing the table of all models"
    script:
        "../scripts/summary.py"
