rule fit:
    input:
        matrix=f"{FEATURES}/matrix.npy",
        sheet=CONFIG.sheet,
        rows=labelled_rows,
        records=f"{BRANCH}/faces.tsv",
        split=f"{BRANCH}/splits/{{protocol}}.tsv",
        audit=f"{BRANCH}/splits/{{protocol}}.audit.json",
        best=f"{FEATURES}/{{protocol}}/search/{{model}}.best.json",
        out_of_fold=f"{FEATURES}/{{protocol}}/search/{{model}}.out_of_fold.tsv",
        calibration_rows=calibration_files(f"{BRANCH}/calibration/rows.tsv"),
        calibration_matrix=calibration_files(f"{FEATURES}/calibration/matrix.npy"),
        products=lambda wildcards: gram_files(wildcards, ".npy"),
        facts=lambda wildcards: gram_files(wildcards, ".json"),
        compiled=compiled_files,
        trees=tree_files,
    output:
        bundle=f"{FEATURES}/{{protocol}}/models/{{model}}/bundle.json",
    log:
        f"{BRANCH}/logs/fit/{{features}}.{{protocol}}.{{model}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/fit/{{features}}.{{protocol}}.{{model}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("fit")
    resources:
        **requests("fit"),
    params:
        job=lambda wildcards: {
            "run": f"{CONFIG.run}{branch_of(wildcards).folder}",
            "features": wildcards.features,
            "model": wildcards.model,
            "scalings": plan_of(wildcards).scalings(wildcards.model),
            "in_columns": plan_of(wildcards).in_columns(wildcards.model, wildcards.features),
            "seed": CONFIG.seed,
            "evaluation": plain(CONFIG.evaluation, "threshold"),
            "verdict": plain(CONFIG.verdict),
            "preprocessing": preprocessing(config_of(wildcards)),
            "versions": codehash.versions("fit", *modules(wildcards.model)),
            "keys": {
                "scalings": f"sweep.{wildcards.model}.scaling",
                "in_columns": "search.max_gram_rows",
                "preprocessing": "",
            },
            "code": code("fit", *modules(wildcards.model)),
        },
    message:
        "fitting the best {wildcards.model} on all training rows, {wildcards.features}, {wildcards.protocol}"
    script:
        "../scripts/fit.py"
