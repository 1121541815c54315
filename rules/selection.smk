# Selection bias of the best on the folds: no fit, only existing scores.
rule selection:
    input:
        rows=labelled_rows,
        split=f"{BRANCH}/splits/{{protocol}}.tsv",
        tables=lambda wildcards: all_searched(wildcards, ".tsv"),
        values=lambda wildcards: all_searched(wildcards, ".npy"),
        best=lambda wildcards: chosen_files(wildcards, "search/{model}.best.json"),
        bundles=lambda wildcards: chosen_files(wildcards, "models/{model}/bundle.json"),
        unseen=lambda wildcards: all_averaged(wildcards),
    output:
        record=f"{BRANCH}/selection/{{protocol}}.json",
    log:
        f"{BRANCH}/logs/selection/{{protocol}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/selection/{{protocol}}.jsonl"
    wildcard_constraints:
        protocol="[a-z]+",
    conda:
        "../envs/deepfake.yaml"
    threads: threads("selection")
    resources:
        **requests("selection"),
    params:
        job=lambda wildcards: {
            "protocol": wildcards.protocol,
            "searched": searched_models(wildcards),
            "score": CONFIG.search.score,
            "resamples": CONFIG.evaluation.resamples,
            "keys": {"score": "search.score", "resamples": "evaluation.resamples"},
            "seed": CONFIG.seed,
            "code": code("selection", *(f"models.{name}" for name in PLAN.candidates)),
        },
    message:
        "choosing again on resampled groups: {wildcards.protocol}"
    script:
        "../scripts/selection.py"
