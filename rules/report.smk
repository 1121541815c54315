rule report:
    input:
        sheet=CONFIG.sheet,
        rows=f"{BRANCH}/rows.tsv",
        records=f"{BRANCH}/faces.tsv",
        crops=sampled_crops,
        audits=for_each_protocol("splits/{protocol}.audit.json"),
        search=for_each_model("search/{model}.tsv", folder=BRANCH),
        best=for_each_model("search/{model}.best.json", folder=BRANCH),
        curves=curve_files(),
        frames=for_each_model("evaluation/{model}/frames.tsv", folder=BRANCH),
        videos=for_each_model("evaluation/{model}/videos.tsv", folder=BRANCH),
        metrics=for_each_model("evaluation/{model}/metrics.json", folder=BRANCH),
        pairs=f"{BRANCH}/comparisons.tsv",
        shortcuts=f"{BRANCH}/shortcuts.tsv",
        published=published_files,
    output:
        page=report(
            f"{BRANCH}/report.html",
            category=BRANCH,
            labels={"what": "the run, on one page"},
        ),
        config=f"{BRANCH}/config.json",
        usage=f"{BRANCH}/usage.tsv",
    log:
        f"{BRANCH}/logs/report.log",
    benchmark:
        f"{BRANCH}/benchmarks/report.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("report")
    resources:
        **requests("report"),
    params:
        # benchmarks and ledger are no inputs: a change of them must not rerun the report
        job=lambda wildcards: {
            "config": settings.deciding(config_of(wildcards)),
            "keys": {"config": ""},
            "benchmarks": f"{RUN}{branch_of(wildcards).folder}/benchmarks",
            "outputs": files_of_rules(wildcards),
            "ledger": LEDGER,
            "models": catalogue.on_pages(PLAN.candidates),
            "code": code("report"),
        },
    message:
        "writing the page of the run"
    script:
        "../scripts/report.py"
