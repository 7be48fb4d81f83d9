# make demo | make test: set up a virtual environment if there is none, then do it. VENV=DIR puts it elsewhere.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: setup demo demo-organ test test-data lint clean help

VENV ?= .venv
# The first Python that is new enough; a name of a version that is not installed may still be on the path, so it is run.
PYTHON ?= $(firstword $(foreach name,python3.12 python3.11 python3 python,\
	$(shell $(name) -c 'import sys; print("$(name)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)))
# Absolute, for the commands that start from bundle/
PY := $(abspath $(VENV))/bin/python
STAMP := $(VENV)/.set-up

help:
	@echo "make setup      virtual environment in $(VENV), with everything installed"
	@echo "make demo       synthetic glands: prepare, train, evaluate, predict, and say where the results are (minutes, no GPU)"
	@echo "make demo-organ the same for organs: synthetic CT and MR volumes, one network for both"
	@echo "make test       linters and the tests that need no network, data or GPU"
	@echo "make test-data  the tests on the real data sets in ../shared/data"
	@echo "make clean      delete what the demo and the tools wrote; the environment stays"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@[ -n "$(PYTHON)" ] || { echo "error: found no Python 3.11 or newer; name one: make PYTHON=/path/to/python3" >&2; exit 2; }
	[ -x $(PY) ] || $(PYTHON) -m venv $(VENV)
# torch first and alone: nothing that is installed later can bring another build of it
	$(PY) -m pip install --constraint constraints.txt torch
	$(PY) -m pip install --constraint constraints.txt --editable '.[pretrained,dev]'
	touch $@

# The demo: the README's commands, with synthetic glands in place of your images, and with the mixture, to show its gates.
DEMO := $(abspath runs/demo)
# Threads that wait for each other must not burn the core that another program needs: on a busy machine a step took ten
# times as long.
export OMP_WAIT_POLICY := PASSIVE

demo: setup
	rm -rf $(DEMO)
	$(PY) -m custom synthesise --recipe gland --output $(DEMO)/source --number 24 --seed 0
	$(PY) -m custom prepare folder --source $(DEMO)/source --output $(DEMO)/data --mpp 0.62 --split $(DEMO)/source/split.json
	cd bundle && $(PY) -m monai.bundle run training --config_file "['configs/train.json','configs/semi_moe.json']" \
		--dataset_dir $(DEMO)/data --output_dir $(DEMO)/run \
		--crop_px 128 --max_epochs 4 --steps_per_epoch 35
	cd bundle && $(PY) -m monai.bundle run evaluating --config_file "['configs/train.json','configs/semi_moe.json','configs/evaluate.json']" \
		--dataset_dir $(DEMO)/data --output_dir $(DEMO)/run
	cd bundle && $(PY) -m monai.bundle run --config_file "['configs/inference.json','configs/semi_moe.json']" \
		--ckpt_path $(DEMO)/run/last.pt --dataset_dir $(DEMO)/source/test/images --output_dir $(DEMO)/predicted
	@echo
	@echo "report     $$(find $(DEMO)/run -name report.html | sort | head -n 1)"
	@echo "overlays   $$(find $(DEMO)/run -type d -name overlays | sort | head -n 1)"
	@echo "metrics    $$(find $(DEMO)/run -name metrics.csv | sort | head -n 1)"
	@echo "gate use   $$(find $(DEMO)/run -name 'gate_use*.png' | sort | head -n 1)"
	@echo "predicted  $(DEMO)/predicted"

# The same for M4oE: both phases, then evaluation and segmentation of held-out volumes.
VOLUMES := $(abspath runs/demo_organ)
SETS := ['$(VOLUMES)/synthetic_ct','$(VOLUMES)/synthetic_mr']

demo-organ: setup
	rm -rf $(VOLUMES)
	$(PY) -m custom synthesise --recipe organ --output $(VOLUMES)/source --number 12 --seed 0
	for name in synthetic_ct synthetic_mr; do \
		$(PY) -m custom prepare folder --source $(VOLUMES)/source/$$name --data_set $(VOLUMES)/source/$$name/data_set.json \
			--output $(VOLUMES)/$$name --validation 0.2 --test 0.2; \
	done
	cd bundle && $(PY) -m monai.bundle run training \
		--config_file "['configs/train_organ.json','configs/pretrain_organ.json']" \
		--dataset_dirs "$(SETS)" --output_dir $(VOLUMES)/pretraining --crop_px 64 --max_epochs 1
	cd bundle && $(PY) -m monai.bundle run training --config_file configs/train_organ.json \
		--dataset_dirs "$(SETS)" --output_dir $(VOLUMES)/run --init_path $(VOLUMES)/pretraining/last.pt --crop_px 64 --max_epochs 5
	cd bundle && $(PY) -m monai.bundle run evaluating \
		--config_file "['configs/train_organ.json','configs/evaluate_organ.json']" \
		--dataset_dirs "$(SETS)" --output_dir $(VOLUMES)/run
	cd bundle && $(PY) -m monai.bundle run --config_file configs/inference_organ.json --task synthetic_ct \
		--ckpt_path $(VOLUMES)/run/last.pt --dataset_dir $(VOLUMES)/source/synthetic_ct/images --output_dir $(VOLUMES)/predicted
	@echo
	@echo "report     $(VOLUMES)/run/evaluation_test/report.html"
	@echo "gate use   $(VOLUMES)/run/evaluation_test/gate_use.png"
	@echo "predicted  $(VOLUMES)/predicted"

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

test: lint
	$(PY) -m pytest -m "not data and not slow and not gpu and not label_server"

test-data: setup
	$(PY) -m pytest -m "data and not slow and not gpu and not label_server"

clean:
	rm -rf $(DEMO) $(VOLUMES) .pytest_cache .ruff_cache .mypy_cache .hypothesis build *.egg-info
	find custom tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
