# Selection bias of the best on the folds: no fit, only existing scores.
rule selection:
    input:
        rows=labelled_rows,
        split=f"{RUN}/splits/{{protocol}}.tsv",
        tables=lambda wildcards: all_searched(wildcards.protocol, ".tsv"),
        values=lambda wildcards: all_searched(wildcards.protocol, ".npy"),
        best=lambda wildcards: for_each_model("search/{model}.best.json", [wildcards.protocol]),
        bundles=lambda wildcards: for_each_model("models/{model}/bundle.json", [wildcards.protocol]),
        unseen=lambda wildcards: all_averaged(wildcards.protocol),
    output:
        record=f"{RUN}/selection/{{protocol}}.json",
    log:
        f"{RUN}/logs/selection/{{protocol}}.log",
    benchmark:
        f"{RUN}/benchmarks/selection/{{protocol}}.jsonl"
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
            "searched": [
                {"features": name, "model": model, "jobs": len(files)}
                | {"length": features.length(name, CONFIG.faces.size)}
                | {"rank": catalogue.RANKS[model]}
                for name, model, files in searched_under(wildcards.protocol)
            ],
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
