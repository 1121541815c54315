# A second sheet that thresholds and probabilities come from (verdict.calibrate_on). Its videos go
# through the run's own rules for frames, faces and features.
rule calibration_rows:
    input:
        sheet=CONFIG.verdict.calibrate_on or [],
        tables=lambda wildcards: face_tables(wildcards, CALIBRATION),
        rows=f"{BRANCH}/rows.tsv",
    output:
        rows=f"{BRANCH}/calibration/rows.tsv",
    log:
        f"{BRANCH}/logs/calibration_rows.log",
    benchmark:
        f"{BRANCH}/benchmarks/calibration_rows.jsonl"
    conda:
        "../envs/deepfake.yaml"
    threads: threads("rows")
    resources:
        **requests("rows"),
    params:
        job=lambda wildcards: {"code": code("calibration_rows")},
    message:
        "ordering the faces of the calibration sheet"
    script:
        "../scripts/calibration_rows.py"


use rule matrix as calibration_matrix with:
    input:
        tables=lambda wildcards: face_tables(wildcards, CALIBRATION),
        vectors=lambda wildcards: vector_files(wildcards, CALIBRATION),
    output:
        matrix=f"{FEATURES}/calibration/matrix.npy",
    log:
        f"{BRANCH}/logs/calibration_matrix/{{features}}.log",
    benchmark:
        f"{BRANCH}/benchmarks/calibration_matrix/{{features}}.jsonl"
    message:
        "gathering {wildcards.features} of the calibration sheet's faces into one matrix"
