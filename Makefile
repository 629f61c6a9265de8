# Each target sets up what it needs in .venv.
PYTHON ?= python3
FUZZ ?= 10000
RUN ?= runs/bundled
TRAIN ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint fuzz crash coverage mutate weights clean

demo: .venv/runs  ## the main job on the sample recording: poses, tables, a picture and a report in demo/
	mkdir -p demo
	$(BIN)/stereo3d reconstruct sample_data/infant.h5 --restart -o demo/poses.h5
	$(BIN)/stereo3d evaluate demo/poses.h5 sample_data/infant.h5 -o demo/evaluation.md
	$(BIN)/stereo3d export demo/poses.h5 -o demo/poses.csv
	$(BIN)/stereo3d view demo/poses.h5 sample_data/infant.h5 -o demo/overlay.png
	$(BIN)/stereo3d report demo/poses.h5 --truth sample_data/infant.h5 -o demo/report.html

test: .venv/tests lint  ## everything that can fail
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: .venv/tests
	$(BIN)/python -m flake8 stereo3d tests benchmarks
	$(BIN)/python -m mypy

fuzz: .venv/tests  ## 10,000 files made wrong over all readers: each is read or refused with a sentence
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz/hunt.py $(FUZZ)

crash: .venv/tests  ## convert and reconstruct killed 200 times and resumed: no byte is wrong
	STEREO3D_KILLS=200 $(BIN)/python -m pytest tests/crash

coverage: .venv/tests  ## every branch of evaluation/ is tested
	$(BIN)/python -m coverage run --branch --source=stereo3d/evaluation -m pytest -q tests/evaluation
	$(BIN)/python -m coverage report --show-missing --fail-under=100

mutate: .venv/tests  ## mistakes put into the metrics and the triangulation that the tests notice; docs/mutation.md
	$(PIP) mutmut==3.8.1
	$(BIN)/python benchmarks/mutation.py

weights: .venv/runs  ## the weights in the box, trained on rendered infants: about 2 hours of two cores; goes on after a kill
	OMP_NUM_THREADS=1 $(BIN)/torchrun --standalone --nproc-per-node 2 \
		$(BIN)/stereo3d train --preset bundled --resume -o $(RUN) $(TRAIN)
	mkdir -p stereo3d/detectors/weights
	install -m 644 $(RUN)/best.safetensors stereo3d/detectors/weights/infant_w16.safetensors

.venv/runs: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) -e ".[detect]"
	touch $@

.venv/tests: .venv/runs
	$(PIP) -e ".[all,test]"
	touch $@

clean:
	rm -rf .venv build demo mutants
