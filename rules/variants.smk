# The variants of a run beside its own values (variants): one choice among all on the folds, corrected
# for selection bias, and paired differences on the test. The splits of variants are dealt as the base's.
use rule selection as variant_choice with:
    input:
        rows=lambda wildcards: branch_files(wildcards, labelled_rows),
        split=lambda wildcards: branch_files(wildcards, split_file),
        tables=lambda wildcards: branch_files(wildcards, all_searched, ".tsv"),
        values=lambda wildcards: branch_files(wildcards, all_searched, ".npy"),
        best=lambda wildcards: branch_files(wildcards, chosen_files, "search/{model}.best.json"),
        bundles=lambda wildcards: branch_files(
            wildcards, chosen_files, "models/{model}/bundle.json"
        ),
        unseen=lambda wildcards: branch_files(wildcards, all_averaged),
    output:
        record=f"{RUN}/variants/{{protocol}}.json",
    log:
        f"{RUN}/logs/variant_choice/{{protocol}}.log",
    benchmark:
        f"{RUN}/benchmarks/variant_choice/{{protocol}}.jsonl"
    threads: threads("variant_choice")
    resources:
        **requests("variant_choice"),
    params:
        job=lambda wildcards: {
            "protocol": wildcards.protocol,
            "searched": [
                one | {"variant": branch.title}
                for branch, at in compared_branches(wildcards)
                for one in searched_models(at)
            ],
            "score": CONFIG.search.score,
            "resamples": CONFIG.evaluation.resamples,
            "keys": {"score": "search.score", "resamples": "evaluation.resamples"},
            "seed": CONFIG.seed,
            "code": code("selection", *(f"models.{name}" for name in PLAN.candidates)),
        },
    message:
        "choosing among all variants on resampled groups: {wildcards.protocol}"


rule variants:
    input:
        summaries=[f"{RUN}{folder}/summary.tsv" for folder in compared_folders()],
        configs=[f"{RUN}{folder}/config.json" for folder in compared_folders()],
        choices=expand(f"{RUN}/variants/{{protocol}}.json", protocol=CONFIG.split.protocols),
    output:
        table=f"{RUN}/variants.tsv",
        text=report(
            f"{RUN}/variants.txt",
            category=RUN,
            labels={"what": "the variants, as text"},
        ),
        page=report(
            f"{RUN}/variants.html",
            category=RUN,
            labels={"what": "the variants beside each other"},
        ),
    log:
        f"{RUN}/logs/variants.log",
    benchmark:
        f"{RUN}/benchmarks/variants.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("variants")
    resources:
        **requests("variants"),
    params:
        job=lambda wildcards: {
            "run": RUN,
            "variants": {
                f"{RUN}{folder}": BRANCHES[folder].title for folder in compared_folders()
            },
            "ranks": {model: catalogue.RANKS[model] for model in PLAN.candidates},
            "evaluation": plain(CONFIG.evaluation, "level"),
            "code": code("variants"),
        },
    message:
        "setting the variants beside each other"
    script:
        "../scripts/variants.py"
