# make demo     segment a real chest CT from one prompt
# make test     checks and tests, five to six minutes on two cores; all but the slow ones (pytest alone runs these too)
# make test-slow   the slow ones: many kills, long fuzzing, a browser
# make fuzz     10,000 damaged inputs for each kind of file and message: an hour; FUZZ="nifti dicom --count 500" for less
# make check    ruff, mypy and import-linter alone
# make lock     renew the lock files of the engine's packages
# make bench    speed and memory beside the papers' pipeline: hours on a CPU (benchmarks/README.md)
# make docs     the documentation's pages, in site/
# make dist     the source distribution and the wheel, built and checked, in dist/ (docs/release.md)
# make clean    remove the environment and what the demo wrote
#
# Another Python:        make demo PYTHON=python3.12
# Another build of torch: make demo TORCH="torch==2.9.1", or install it into .venv first: a torch that is there is kept.

PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch==2.13.0
# Our propagation calls methods inside sam2 that carry no promise, so its version is exact.
SAM2 := sam2==1.1.0
BIN := $(VENV)/bin
PROCESSES ?= --numprocesses auto --maxprocesses 4 --dist loadfile
# Without warnings of conflicts: sam2 asks for torchvision, which nothing here uses, and which would bring another torch.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-conflicts

# Where it is set, every process that tests start would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-slow fuzz check lock bench docs dist clean

demo: $(VENV)/.installed
	@$(BIN)/promptonce demo

# A file's tests stay in one process: its fixtures are made once.
test: check
	$(BIN)/python -m pytest $(PROCESSES) -m "not slow"

# Tests with hypothesis ran before, with few examples.
test-slow: $(VENV)/.tested $(VENV)/.documented
	$(BIN)/python -m pytest $(PROCESSES) -m "slow or hypothesis" --hypothesis-profile thorough

# An input of which something is wrong is kept, and made again from its number (--first N --count 1).
fuzz: $(VENV)/.tested
	PYTHONPATH=PromptOnce/Testing/Python $(BIN)/python -m fuzz $(FUZZ)

check: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# For every system and Python that the engine is installed for. What is locked are the newest versions, and the PyTorch
# that the tests run with.
RESOURCES := PromptOnce/Resources
LOCK = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" --no-emit-index-url

lock: $(VENV)/.installed
	$(PIP) --upgrade uv
	mkdir -p $(RESOURCES)/Locks
	echo "uv" | $(LOCK) --output-file $(RESOURCES)/Locks/uv.txt -
	printf "setuptools\nwheel\n" | $(LOCK) --output-file $(RESOURCES)/Locks/build.txt -
	$(LOCK) --output-file $(RESOURCES)/Locks/packages.txt $(RESOURCES)/engine-requirements.txt
	echo "$(SAM2)" | $(LOCK) --no-deps --output-file $(RESOURCES)/Locks/sam2.txt -
	echo "$(TORCH)" | $(LOCK) --output-file $(RESOURCES)/Locks/torch.txt -

# BENCH="--quick" for minutes, "--device cuda" for a GPU.
bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks $(BENCH)

docs: $(VENV)/.documented
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo "Open site/index.html."

dist: $(VENV)/.installed
	@rm -rf dist
	@$(PIP) build twine
	@$(BIN)/python -m build --outdir dist .
	@$(BIN)/python -m twine check --strict dist/*

clean:
	rm -rf $(VENV) demo-output site dist

# The steps in this order, because sam2 names torch as needed for its build: left to pip it would fetch a second torch
# with CUDA for that alone, and try to compile a CUDA extension that nothing here uses.
$(VENV)/.installed: pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 10) <= sys.version_info[:2] <= (3, 13) else "Python 3.10 to 3.13 is needed, this is %d.%d: make ... PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Making an environment in $(VENV); nothing else on this computer is changed."
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make environments; on Debian or Ubuntu install python3-venv."; exit 1; }
	@$(PIP) --upgrade pip setuptools wheel
	@PYTHONPATH=PromptOnce $(BIN)/python -m PromptOnceLib.environment.get_torch "$(TORCH)"
	@echo "Getting SAM 2 and the other packages, about 150 MB."
	@$(PIP) --editable ".[engine]"
	@SAM2_BUILD_CUDA=0 $(PIP) --no-build-isolation --no-deps $(SAM2)
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	@echo "Getting what the tests need, about 250 MB."
	@$(PIP) --editable ".[engine,test]"
	@touch $@

$(VENV)/.documented: $(VENV)/.installed
	@echo "Getting what pages and notebooks need, about 100 MB."
	@$(PIP) --editable ".[engine,docs,notebooks]"
	@touch $@
