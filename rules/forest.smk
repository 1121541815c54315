# Grow forests in parts, if one job should not grow all trees.


# Nodes with another type of processor compile once for each type.
rule compile:
    output:
        compiled=f"{RUN}/compiled/done.txt",
    log:
        f"{RUN}/logs/compile.log",
    benchmark:
        f"{RUN}/benchmarks/compile.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("compile")
    resources:
        **requests("compile"),
    params:
        job=lambda wildcards: {"code": code("compile")},
    message:
        "compiling what grows forests"
    script:
        "../scripts/compile.py"


rule vote:
    input:
        matrix=f"{FEATURES}/matrix.npy",
        rows=labelled_rows,
        split=f"{BRANCH}/splits/{{protocol}}.tsv",
        compiled=rules.compile.output.compiled,
    output:
        votes=temp(f"{FEATURES}/{{protocol}}/search/forest/votes/{{chunk}}.{{fold}}.{{part}}.npy"),
    log:
        f"{BRANCH}/logs/vote/{{features}}.{{protocol}}.forest.{{chunk}}.{{fold}}.{{part}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/vote/{{features}}.{{protocol}}.forest.{{chunk}}.{{fold}}.{{part}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("vote")
    resources:
        **requests("vote"),
    params:
        job=lambda wildcards: {
            "candidate": plan_of(wildcards).family(wildcards.chunk),
            "trees": list(plan_of(wildcards).parts("forest", wildcards.chunk)[wildcards.part]),
            "fold": int(wildcards.fold),
            "seed": CONFIG.seed,
            "keys": {"candidate": "sweep.forest"},
            "code": code("vote"),
        },
    message:
        "growing trees {wildcards.part} of forest {wildcards.chunk}, fold {wildcards.fold}, {wildcards.features}, {wildcards.protocol}"
    script:
        "../scripts/vote.py"


rule grow:
    input:
        matrix=f"{FEATURES}/matrix.npy",
        rows=labelled_rows,
        split=f"{BRANCH}/splits/{{protocol}}.tsv",
        best=f"{FEATURES}/{{protocol}}/search/forest.best.json",
        compiled=rules.compile.output.compiled,
    output:
        trees=temp(f"{FEATURES}/{{protocol}}/search/forest/trees/{{part}}.npz"),
    log:
        f"{BRANCH}/logs/grow/{{features}}.{{protocol}}.forest.{{part}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/grow/{{features}}.{{protocol}}.forest.{{part}}.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("grow")
    resources:
        **requests("grow"),
    params:
        job=lambda wildcards: {
            "trees": list(plan_of(wildcards).parts("forest")[wildcards.part]),
            "seed": CONFIG.seed,
            "code": code("grow"),
        },
    message:
        "growing trees {wildcards.part} of the best forest, {wildcards.features}, {wildcards.protocol}"
    script:
        "../scripts/grow.py"
