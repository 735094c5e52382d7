# Two commands do all set-up on a machine that has only Python (3.11 or later) and make:
#   make demo    builds an environment, installs safemap, runs the main job on the sample
#   make test    builds an environment with the test extra and runs the tests
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
TEST_VENV ?= .venv-test
OUT ?= out/demo
PYTEST_ARGS ?=

.PHONY: demo test test-qgis validity torture slow lint pictures test-interpreters test-oldest clean

$(VENV)/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "safemap needs Python 3.11 or later; none was found. Install it, or call make PYTHON=/path/to/python3."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -e .
	touch $@

$(TEST_VENV)/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "safemap needs Python 3.11 or later; none was found. Install it, or call make PYTHON=/path/to/python3."; exit 2; }
	$(PYTHON) -m venv $(TEST_VENV)
	$(TEST_VENV)/bin/python -m pip install --quiet -e ".[test]"
	touch $@

demo: $(VENV)/installed
	$(VENV)/bin/safemap demo --out $(OUT)

test: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python -m pytest -m "not slow" $(PYTEST_ARGS)

# the files for a GIS opened in QGIS; needs Debian's qgis and python3-qgis, some 3 minutes to install
test-qgis: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python -m pytest tests/output/test_qgis.py $(PYTEST_ARGS)

validity: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python -m pytest -m slow tests/validity $(PYTEST_ARGS)

torture: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python -m pytest -m slow tests/torture $(PYTEST_ARGS)

slow: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python -m pytest -m slow $(PYTEST_ARGS)

lint: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python -m ruff check .
	$(TEST_VENV)/bin/python -m ruff format --check .

# the pictures in the README: the maps of the three sample cities in headless Chromium
pictures: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python benchmarks/pictures.py

# the same tests on each other interpreter at hand (esda 2.9 comes with Python 3.11, esda 2.10 with 3.12 and later)
INTERPRETERS ?= $(shell for v in 3.11 3.12 3.13; do python$$v -c 'import venv' 2>/dev/null && echo python$$v; done)
test-interpreters:
	@for p in $(INTERPRETERS); do $$p --version; $(MAKE) --no-print-directory test PYTHON=$$p TEST_VENV=.venv-test-$$(basename $$p) || exit 1; done

# the oldest versions pyproject.toml allows
test-oldest:
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet uv
	.venv-oldest/bin/uv pip install --quiet --python .venv-oldest/bin/python --resolution lowest-direct -e ".[test]"
	.venv-oldest/bin/python -m pytest -m "not slow and not browser" $(PYTEST_ARGS)

clean:
	rm -rf .venv .venv-test .venv-test-* .venv-oldest out build dist
