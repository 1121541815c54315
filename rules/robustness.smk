# Scores when the clips of the test are encoded again, shrunk, lightened or mirrored:
# `snakemake robustness`. The run's models score them. Where they were trained with copies, they are
# compared with models that were trained without.
APART = protocols.person_disjoint(CONFIG.split.protocols)
PLAIN = [f"{protocols.PLAIN}-{name}" for name in APART if CONFIG.training.copies.count]


localrules:
    robustness,


rule robustness:
    input:
        f"{RUN}/robustness.html",


rule plain_split:
    input:
        rows=f"{RUN}/rows.tsv",
        split=f"{RUN}/splits/{{whole}}.tsv",
        audit=f"{RUN}/splits/{{whole}}.audit.json",
    output:
        split=f"{RUN}/splits/{protocols.PLAIN}-{{whole}}.tsv",
        audit=f"{RUN}/splits/{protocols.PLAIN}-{{whole}}.audit.json",
    log:
        f"{RUN}/logs/plain_split/{{whole}}.log",
    benchmark:
        f"{RUN}/benchmarks/plain_split/{{whole}}.jsonl"
    wildcard_constraints:
        whole="[a-z]+",
    conda:
        "../envs/deepfake.yaml"
    threads: threads("plain_split")
    resources:
        **requests("plain_split"),
    params:
        job=lambda wildcards: {"code": code("plain_split")},
    message:
        "leaving the training copies out: {wildcards.whole}"
    script:
        "../scripts/plain_split.py"


rule perturbed_faces:
    input:
        videos=lambda wildcards: watched(wildcards.batch),
        rows=f"{RUN}/rows.tsv",
        splits=expand(f"{RUN}/splits/{{protocol}}.tsv", protocol=APART),
    output:
        faces=f"{RUN}/perturbed/{{batch}}.npy",
        crops=f"{RUN}/perturbed/{{batch}}.tar",
        table=f"{RUN}/perturbed/{{batch}}.tsv",
    log:
        f"{RUN}/logs/perturbed_faces/{{batch}}.log",
    benchmark:
        f"{RUN}/benchmarks/perturbed_faces/{{batch}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("perturbed_faces")
    resources:
        **requests("perturbed_faces"),
    params:
        job=lambda wildcards: {
            "videos": batch_videos(wildcards.batch),
            "frames": plain(CONFIG.frames),
            "faces": plain(CONFIG.faces),
            "robustness": plain(CONFIG.robustness),
            "code": code("perturbed_faces", *perturbation_modules()),
        },
    message:
        "perturbing the test's clips in batch {wildcards.batch}, and cutting out their faces"
    script:
        "../scripts/perturbed_faces.py"


use rule features as perturbed_features with:
    input:
        crops=f"{RUN}/perturbed/{{batch}}.tar",
        table=f"{RUN}/perturbed/{{batch}}.tsv",
    output:
        vectors=f"{RUN}/{{features}}/perturbed/{{batch}}.npy",
    log:
        f"{RUN}/logs/perturbed_features/{{features}}.{{batch}}.log",
    benchmark:
        f"{RUN}/benchmarks/perturbed_features/{{features}}.{{batch}}.jsonl"
    threads: threads("perturbed_features")
    resources:
        **requests("perturbed_features"),
    message:
        "computing {wildcards.features} of the perturbed faces of batch {wildcards.batch}"


rule robustness_scores:
    input:
        tables=expand(f"{RUN}/perturbed/{{batch}}.tsv", batch=PLAN.batches),
        vectors=perturbed_files,
        rows=f"{RUN}/rows.tsv",
        bundle=f"{RUN}/{{features}}/{{protocol}}/models/{{model}}/bundle.json",
        frames=f"{RUN}/{{features}}/{{protocol}}/evaluation/{{model}}/frames.tsv",
        videos=f"{RUN}/{{features}}/{{protocol}}/evaluation/{{model}}/videos.tsv",
        metrics=f"{RUN}/{{features}}/{{protocol}}/evaluation/{{model}}/metrics.json",
    output:
        scores=f"{RUN}/{{features}}/{{protocol}}/robustness/{{model}}/frames.tsv",
        judged=f"{RUN}/{{features}}/{{protocol}}/robustness/{{model}}/metrics.json",
    log:
        f"{RUN}/logs/robustness_scores/{{features}}.{{protocol}}.{{model}}.log",
    benchmark:
        f"{RUN}/benchmarks/robustness_scores/{{features}}.{{protocol}}.{{model}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("robustness_scores")
    resources:
        **requests("robustness_scores"),
    params:
        job=lambda wildcards: {
            "ledger": LEDGER,
            "evaluation": evaluation_settings(),
            "code": code("robustness_scores", *modules(wildcards.model)),
        },
    message:
        "scoring perturbed clips: {wildcards.model}, {wildcards.features}, {wildcards.protocol}"
    script:
        "../scripts/robustness_scores.py"


rule robustness_page:
    input:
        judged=for_each_model("robustness/{model}/metrics.json", APART + PLAIN),
    output:
        table=f"{RUN}/robustness.tsv",
        figure=report(
            f"{RUN}/robustness.svg",
            category=RUN,
            labels={"what": "scores of perturbed clips, figure"},
        ),
        page=report(
            f"{RUN}/robustness.html",
            category=RUN,
            labels={"what": "scores of perturbed clips"},
        ),
    log:
        f"{RUN}/logs/robustness_page.log",
    benchmark:
        f"{RUN}/benchmarks/robustness_page.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("robustness_page")
    resources:
        **requests("robustness_page"),
    params:
        job=lambda wildcards: {
            "run": CONFIG.run,
            "cross": plain(CONFIG.split.cross),
            "keys": {"cross": "split.cross"},
            "models": catalogue.on_pages(PLAN.candidates),
            "code": code("robustness_page", *perturbation_modules()),
        },
    message:
        "writing how scores hold when clips are perturbed"
    script:
        "../scripts/robustness_page.py"
