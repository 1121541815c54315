rule search:
    input:
        matrix=f"{FEATURES}/matrix.npy",
        rows=labelled_rows,
        split=f"{BRANCH}/splits/{{protocol}}.tsv",
        products=lambda wildcards: gram_files(wildcards, ".npy"),
        facts=lambda wildcards: gram_files(wildcards, ".json"),
        compiled=compiled_files,
        votes=vote_files,
    output:
        table=f"{FEATURES}/{{protocol}}/search/{{model}}/{{chunk}}.{{fold}}.tsv",
        values=f"{FEATURES}/{{protocol}}/search/{{model}}/{{chunk}}.{{fold}}.npy",
    log:
        f"{BRANCH}/logs/search/{{features}}.{{protocol}}.{{model}}.{{chunk}}.{{fold}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/search/{{features}}.{{protocol}}.{{model}}.{{chunk}}.{{fold}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("search")
    resources:
        **requests("search"),
    params:
        job=lambda wildcards: {
            "model": wildcards.model,
            "candidates": plan_of(wildcards).chosen(wildcards.model, wildcards.chunk),
            "scalings": plan_of(wildcards).scalings(wildcards.model, wildcards.chunk),
            "in_columns": plan_of(wildcards).in_columns(wildcards.model, wildcards.features),
            "keys": {
                "candidates": f"sweep.{wildcards.model}",
                "scalings": f"sweep.{wildcards.model}.scaling",
                "in_columns": "search.max_gram_rows",
            },
            "fold": int(wildcards.fold),
            "seed": CONFIG.seed,
            "code": code("search", *modules(wildcards.model)),
        },
    message:
        "searching {wildcards.model}, chunk {wildcards.chunk}, fold {wildcards.fold}, {wildcards.features}, {wildcards.protocol}"
    script:
        "../scripts/search.py"


rule choose:
    input:
        rows=labelled_rows,
        split=f"{BRANCH}/splits/{{protocol}}.tsv",
        tables=lambda wildcards: search_files(wildcards, ".tsv"),
        values=lambda wildcards: search_files(wildcards, ".npy"),
    output:
        table=f"{FEATURES}/{{protocol}}/search/{{model}}.tsv",
        best=f"{FEATURES}/{{protocol}}/search/{{model}}.best.json",
        out_of_fold=f"{FEATURES}/{{protocol}}/search/{{model}}.out_of_fold.tsv",
    log:
        f"{BRANCH}/logs/choose/{{features}}.{{protocol}}.{{model}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/choose/{{features}}.{{protocol}}.{{model}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("choose")
    resources:
        **requests("choose"),
    params:
        job=lambda wildcards: {
            "candidates": PLAN.candidates[wildcards.model],
            "score": CONFIG.search.score,
            "keys": {"candidates": f"sweep.{wildcards.model}", "score": "search.score"},
            "code": code("choose"),
        },
    message:
        "choosing the best {wildcards.model} on the folds, {wildcards.features}, {wildcards.protocol}"
    script:
        "../scripts/choose.py"
