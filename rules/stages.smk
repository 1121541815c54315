# Stages to stop at: `snakemake dataset`, `snakemake models`
localrules:
    dataset,
    models,


rule dataset:
    input:
        expand(f"{RUN}/{{features}}/matrix.npy", features=CONFIG.features),
        expand(f"{RUN}/splits/{{protocol}}.tsv", protocol=CONFIG.split.protocols),


rule models:
    input:
        for_each_model("models/{model}/bundle.json"),
