# An average is not fitted; it combines fitted models.
ruleorder: average > choose
ruleorder: average > fit


rule average:
    input:
        out_of_fold=lambda wildcards: member_files(wildcards, "search/{member}.out_of_fold.tsv"),
        bundles=lambda wildcards: member_files(wildcards, "models/{member}/bundle.json"),
        calibration_rows=calibration_files(f"{BRANCH}/calibration/rows.tsv"),
        calibration_matrix=calibration_files(f"{FEATURES}/calibration/matrix.npy"),
    output:
        table=f"{FEATURES}/{{protocol}}/search/{{model}}.tsv",
        best=f"{FEATURES}/{{protocol}}/search/{{model}}.best.json",
        out_of_fold=f"{FEATURES}/{{protocol}}/search/{{model}}.out_of_fold.tsv",
        bundle=f"{FEATURES}/{{protocol}}/models/{{model}}/bundle.json",
    log:
        f"{BRANCH}/logs/average/{{features}}.{{protocol}}.{{model}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/average/{{features}}.{{protocol}}.{{model}}.jsonl"
    wildcard_constraints:
        model="average",
    conda:
        "../envs/deepfake.yaml"
    threads: threads("average")
    resources:
        **requests("average"),
    params:
        job=lambda wildcards: {
            "members": plan_of(wildcards).members("average", wildcards.features),
            "score": CONFIG.search.score,
            "seed": CONFIG.seed,
            "evaluation": plain(CONFIG.evaluation, "threshold"),
            "verdict": plain(CONFIG.verdict),
            "keys": {"members": "sweep.average.members", "score": "search.score"},
            "code": code("average", *modules("average")),
        },
    message:
        "averaging the models, {wildcards.features}, {wildcards.protocol}"
    script:
        "../scripts/average.py"
