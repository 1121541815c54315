# Scores of models with random labels: `snakemake null`. Nothing of a run depends on it.
localrules:
    null,


rule null:
    input:
        f"{RUN}/null.txt",


rule label_flips:
    input:
        matrix=f"{RUN}/{{features}}/matrix.npy",
        rows=f"{RUN}/rows.tsv",
        split=f"{RUN}/splits/{{protocol}}.tsv",
        best=f"{RUN}/{{features}}/{{protocol}}/search/{{model}}.best.json",
        bundle=f"{RUN}/{{features}}/{{protocol}}/models/{{model}}/bundle.json",
        metrics=f"{RUN}/{{features}}/{{protocol}}/evaluation/{{model}}/metrics.json",
    output:
        null=f"{RUN}/{{features}}/{{protocol}}/null/{{model}}.json",
        known=f"{RUN}/{{features}}/{{protocol}}/models/{{model}}/null.json",
    log:
        f"{RUN}/logs/label_flips/{{features}}.{{protocol}}.{{model}}.log",
    benchmark:
        f"{RUN}/benchmarks/label_flips/{{features}}.{{protocol}}.{{model}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("label_flips")
    resources:
        **requests("label_flips"),
    params:
        job=lambda wildcards: {
            "model": wildcards.model,
            "seed": CONFIG.seed,
            "code": code("label_flips", *modules(wildcards.model)),
        },
    message:
        "exchanging labels: {wildcards.model}, {wildcards.features}, {wildcards.protocol}"
    script:
        "../scripts/label_flips.py"


rule null_table:
    input:
        metrics=for_each_model("evaluation/{model}/metrics.json"),
        nulls=null_files(),
        shortcuts=f"{RUN}/shortcuts.tsv",
    output:
        table=f"{RUN}/null.tsv",
        text=report(
            f"{RUN}/null.txt",
            category=RUN,
            labels={"what": "scores when labels say nothing"},
        ),
    log:
        f"{RUN}/logs/null_table.log",
    benchmark:
        f"{RUN}/benchmarks/null_table.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("null_table")
    resources:
        **requests("null_table"),
    params:
        job=lambda wildcards: {
            "computed": [has_null(model) for model in PLAN.swept()["model"]],
            "code": code("null_table"),
        },
    message:
        "writing what models score when labels say nothing"
    script:
        "../scripts/null_table.py"
