# The input files and videos of rules, by their wildcards. Functions only, no rules.
from snakemake.io import strip_wildcard_constraints


def batch_videos(batch):
    """The videos of a batch, as params of a job that decodes them."""
    return [{name: video[name] for name in ("video_id", "path")} for video in PLAN.videos(batch)]


def person_files(batch=None):
    """What a person's model says of a batch, or of all; nothing without one."""
    batches = [batch] if batch else list(PLAN.batches)
    kinds = ("answers", "scores") if OPTIONS.person else ()
    return {
        f"person_{kind}": [f"{RUN}/person/{one}.{kind}.tsv" for one in batches] for kind in kinds
    }


def person_tables():
    """The tables of what a person's model says of all videos; nothing without one."""
    if not OPTIONS.person:
        return {}
    return {"person_answers": f"{RUN}/person.tsv", "person_scores": f"{RUN}/person_windows.tsv"}


def enrolled_files(ending, whose):
    """A file of each batch of the person's videos, or of the others'."""
    batches = [name for name, videos in PLAN.batches.items() if videos[0]["group_id"] == whose]
    return expand(f"{RUN}/windows/{{batch}}{ending}", batch=batches)


def copied_videos(batch):
    """The same as params of the job that makes its training copies: with the clip that it shows."""
    return [
        {name: video[name] for name in ("video_id", "path")}
        | {"clip": video["clip_id"] or video["video_id"]}
        for video in PLAN.batches[batch]
    ]


def watched(batch):
    """The videos of a batch, whose change reruns it.

    Snakemake would fill in braces. A sheet has none; a batch of videos to classify is
    named by their sizes and dates, so one with braces need not be watched.
    """
    paths = [video["path"] for video in PLAN.videos(batch)]
    return [path for path in paths if not {"{", "}"} & set(path)]


def modules(model):
    """The library modules of a model, and of the models that it averages."""
    return [f"models.{name}" for name in dict.fromkeys([model, *PLAN.members(model)])]


def member_files(wildcards, path):
    """A file of each model that is averaged."""
    return expand(f"{place(wildcards)}/{path}", member=PLAN.members("average", wildcards.features))


def face_tables(wildcards, batches=None):
    """The records of the faces of all batches, or of these."""
    return expand(
        f"{folder_of('faces', wildcards)}/faces/{{batch}}.tsv", batch=batches or PLAN.batches
    )


def copied_batches(wildcards):
    """The batches that training copies are made of; none where there are no copies."""
    return PLAN.batches if config_of(wildcards).training.copies.count else []


def copy_tables(wildcards):
    """The records of the training copies; nothing where there are none."""
    folder = folder_of("models", wildcards)
    return expand(f"{folder}/copies/{{batch}}.tsv", batch=copied_batches(wildcards))


def copy_modules(wildcards):
    """The library modules of the perturbations that training copies are made with."""
    return perturbations.modules(plain(config_of(wildcards).training.copies))


def sampled_crops(wildcards):
    """The faces of all batches, if the page shows some."""
    batches = PLAN.batches if CONFIG.report.sample_faces else []
    return expand(f"{folder_of('faces', wildcards)}/faces/{{batch}}.tar", batch=batches)


def vector_files(wildcards, batches=None):
    """A feature set's vectors of all batches, or of these; of pixels, the faces themselves."""
    folder = "faces" if wildcards.features == features.PIXELS else f"{wildcards.features}/batches"
    above = folder_of("faces", wildcards)
    return expand(f"{above}/{folder}/{{batch}}.npy", batch=batches or PLAN.batches)


def calibration_files(path):
    """A file of the calibration sheet, for what chooses thresholds; nothing without the sheet.

    Not in the leakage ablation, whose models give no verdicts.
    """

    def found(wildcards):
        kind, _ = protocols.split_name(wildcards.protocol)
        is_wanted = CALIBRATION and kind in ("", protocols.PLAIN)
        return [path.format(**dict(wildcards.items()))] if is_wanted else []

    return found


def copy_files(wildcards):
    """The same of the training copies; nothing where there are none."""
    folder = "" if wildcards.features == features.PIXELS else f"{wildcards.features}/"
    above = folder_of("models", wildcards)
    return expand(f"{above}/{folder}copies/{{batch}}.npy", batch=copied_batches(wildcards))


def perturbed_files(wildcards):
    """The same of the perturbed clips."""
    folder = "" if wildcards.features == features.PIXELS else f"{wildcards.features}/"
    return expand(f"{RUN}/{folder}perturbed/{{batch}}.npy", batch=PLAN.batches)


def perturbation_modules():
    """The library modules of the perturbations of this run."""
    return perturbations.modules(plain(CONFIG.robustness))


def place(wildcards):
    """Folder of a feature set under a protocol."""
    return f"{folder_of('models', wildcards)}/{wildcards.features}/{wildcards.protocol}"


def labelled_rows(wildcards):
    """The table of the rows, with the labels of a split's models."""
    kind, _ = protocols.split_name(wildcards.protocol)
    name = "shuffled" if kind == protocols.SHUFFLED else "rows"
    return f"{folder_of('models', wildcards)}/{name}.tsv"


def crossed(protocol):
    """The sides of a split that crosses values of a column; None of any other."""
    if protocol in LEFT_OUT:
        return LEFT_OUT[protocol]["cross"]
    return plain(CONFIG.split.cross) if protocol == "cross" else None


def gram_files(wildcards, ending):
    """The Gram files of a search job (wildcards chunk and fold) or of a fit (neither)."""
    which = wildcards.get("chunk"), wildcards.get("fold", "all")
    names = plan_of(wildcards).grams(wildcards.model, wildcards.features, *which)
    return [f"{place(wildcards)}/gram/{name}{ending}" for name in names]


def published_files(wildcards):
    """The records of all published runs that are repeated."""
    return [
        f"{RUN}/{job['features']}/{job['protocol']}/published/{job['published']}.json"
        for job in plan_of(wildcards).published_jobs()
    ]


def published_grams(wildcards, ending):
    """The Gram files of a published run that is repeated."""
    names = PLAN.scalings_published(wildcards.published)
    return [f"{place(wildcards)}/gram/{name}.all{ending}" for name in names]


def published_job(wildcards):
    """The settings of a published run that is repeated."""
    run = PLAN.published[wildcards.published]
    return {
        "run": CONFIG.run,
        "name": wildcards.published,
        "model": run.model,
        "candidate": run.candidate,
        "scalings": PLAN.scalings_published(wildcards.published),
        "features": wildcards.features,
        "protocol": wildcards.protocol,
        "split": split_settings() | ({"test_size": run.test_size} if run.test_size else {}),
        "keys": SPLIT_KEYS | {"features": "", "protocol": ""},
        "ledger": LEDGER,
        "evaluation": evaluation_settings(),
        "code": code("published_run", f"models.{run.model}"),
    }


def compiled_files(wildcards):
    """What says that the code of a model's jobs was compiled; nothing where none is."""
    return [f"{RUN}/compiled/done.txt"] if catalogue.SPECS[wildcards.model].compiled else []


def vote_files(wildcards):
    """The predictions of the parts of a search job's forests, if it is cut into parts."""
    return [
        f"{place(wildcards)}/search/forest/votes/" f"{wildcards.chunk}.{wildcards.fold}.{part}.npy"
        for part in PLAN.parts(wildcards.model, wildcards.chunk)
    ]


def tree_files(wildcards):
    """The parts of a model's forest, if it is cut into parts."""
    return [
        f"{place(wildcards)}/search/forest/trees/{part}.npz" for part in PLAN.parts(wildcards.model)
    ]


def search_files(wildcards, ending):
    """The tables or values of all search jobs of a model."""
    return expand(
        f"{place(wildcards)}/search/{wildcards.model}/{{chunk}}.{{fold}}{ending}",
        chunk=PLAN.chunks[wildcards.model],
        fold=range(CONFIG.split.folds.k),
    )


def searched_under(wildcards):
    """Features, model and its search jobs' files without their ending; an average has none."""
    swept, folder = PLAN.swept([wildcards.protocol]), folder_of("models", wildcards)
    return [
        (
            name,
            model,
            expand(
                f"{folder}/{name}/{wildcards.protocol}/search/{model}/{{chunk}}.{{fold}}",
                chunk=PLAN.chunks[model],
                fold=range(CONFIG.split.folds.k),
            ),
        )
        for name, model in zip(swept["features"], swept["model"])
    ]


def all_searched(wildcards, ending):
    """The tables or values of all search jobs under a protocol."""
    return [file + ending for *_, files in searched_under(wildcards) for file in files]


def all_averaged(wildcards):
    """The out-of-fold scores of all averages under a protocol."""
    folder = folder_of("models", wildcards)
    return [
        f"{folder}/{name}/{wildcards.protocol}/search/{model}.out_of_fold.tsv"
        for name, model, files in searched_under(wildcards)
        if not files
    ]


def chosen_files(wildcards, path):
    """A file of every model under a protocol."""
    return for_each_model(path, [wildcards.protocol], folder_of("models", wildcards))


def searched_models(wildcards):
    """What identifies every model under a protocol, and how many search jobs each has."""
    size = config_of(wildcards).faces.size
    return [
        {"features": name, "model": model, "jobs": len(files)}
        | {"length": features.length(name, size)}
        | {"rank": catalogue.RANKS[model]}
        for name, model, files in searched_under(wildcards)
    ]


def has_null(model):
    """Whether a model is fast enough for repeated fits: it needs only a Gram matrix."""
    return bool(PLAN.scalings(model))


def null_files():
    """The label flips of every model that is fitted again."""
    swept = PLAN.swept()
    return [
        f"{RUN}/{name}/{protocol}/null/{model}.json"
        for protocol, name, model in zip(swept["protocol"], swept["features"], swept["model"])
        if has_null(model)
    ]


def curve_files():
    """The learning curves of all networks, under every protocol."""
    networks = PLAN.chunks.get("mesonet", []) if features.PIXELS in CONFIG.features else []
    return expand(
        f"{BRANCH}/{features.PIXELS}/{{protocol}}/search/mesonet/{{chunk}}.{{fold}}.curve.tsv",
        protocol=CONFIG.split.protocols,
        chunk=networks,
        fold=range(CONFIG.split.folds.k),
        allow_missing=True,
    )


def for_each_model(path, splits=None, folder=None):
    """A path of every model on every feature set under every protocol, or under other splits.

    Of the base, or below another folder.
    """
    path = f"{folder or RUN}/{{features}}/{{protocol}}/{path}"
    return expand(path, zip, **PLAN.swept(splits), allow_missing=True)


def for_each_protocol(path):
    """A path of every protocol, in a branch."""
    return expand(f"{BRANCH}/{path}", protocol=CONFIG.split.protocols, allow_missing=True)


def files_of_rules(wildcards):
    """The files of a branch that each rule makes, with wildcards, by rule.

    Without lists of files: these follow from the configuration, which they would repeat. And
    without the rules of all variants: a new one must not change this of the base.
    """
    folder, found = f"{RUN}{branch_of(wildcards).folder}/", {}
    of_variants = f"{folder}variants/", f"{folder}variants."  # in a module, rules have other names
    for one in workflow.rules:
        files = [file for _, file in one.output.items() if isinstance(file, str)]
        files = [strip_wildcard_constraints(file) for file in files]
        files = [file.replace("{branch}", branch_of(wildcards).folder) for file in files]
        if files and files[0].startswith(folder) and not files[0].startswith(of_variants):
            found[one.name] = files
    return found
