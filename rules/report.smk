rule report:
    input:
        sheet=CONFIG.sheet,
        rows=f"{RUN}/rows.tsv",
        records=f"{RUN}/faces.tsv",
        crops=expand(
            f"{RUN}/faces/{{batch}}.tar",
            batch=PLAN.batches if CONFIG.report.sample_faces else [],
        ),
        audits=expand(f"{RUN}/splits/{{protocol}}.audit.json", protocol=CONFIG.split.protocols),
        search=for_each_model("search/{model}.tsv"),
        best=for_each_model("search/{model}.best.json"),
        curves=curve_files(),
        frames=for_each_model("evaluation/{model}/frames.tsv"),
        videos=for_each_model("evaluation/{model}/videos.tsv"),
        metrics=for_each_model("evaluation/{model}/metrics.json"),
        pairs=f"{RUN}/comparisons.tsv",
        shortcuts=f"{RUN}/shortcuts.tsv",
        published=published_files(),
    output:
        page=report(
            f"{RUN}/report.html",
            category=RUN,
            labels={"what": "the run, on one page"},
        ),
        config=f"{RUN}/config.json",
        usage=f"{RUN}/usage.tsv",
    log:
        f"{RUN}/logs/report.log",
    benchmark:
        f"{RUN}/benchmarks/report.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("report")
    resources:
        **requests("report"),
    params:
        # benchmarks and ledger are no inputs: a change of them must not rerun the report
        job=lambda wildcards: {
            "config": settings.deciding(CONFIG),
            "keys": {"config": ""},
            "benchmarks": f"{RUN}/benchmarks",
            "outputs": files_of_rules(),
            "ledger": LEDGER,
            "models": catalogue.on_pages(PLAN.candidates),
            "code": code("report"),
        },
    message:
        "writing the page of the run"
    script:
        "../scripts/report.py"
