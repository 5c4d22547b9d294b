# Everything a target needs is set up on first use (a virtual environment in .venv, builds in build/) and redone only
# when its sources change.
#
#   make demo    train a field on the built-in scene, render it, say where the pictures are
#   make test    C++ and Python tests
#   make bench   benchmarks
#   make lint    formatting, style and types; make format mends what can be mended by itself
#   make clean   remove what was built (runs/ stays)

PYTHON ?= python3
JOBS ?= $(shell nproc)
WERROR ?= OFF
# as deep as the package's build folder, so that ccache sees the same relative paths in both
BUILD := build/dev
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(JOBS)
export CMAKE_GENERATOR ?= Ninja
ifneq ($(shell command -v ccache),)
export CMAKE_CXX_COMPILER_LAUNCHER ?= ccache
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR ?= 1
endif

SOURCES := CMakeLists.txt pyproject.toml README.md LICENSE \
  $(shell find cmake cpp bindings python \( -name __pycache__ -o -name _core \) -prune -o -print)
CXX_FILES = $(shell git ls-files '*.cpp' '*.h' '*.cu')

.PHONY: demo test test-cpp test-py bench lint format install clean
.DELETE_ON_ERROR:
# No built-in rules: one of them would make the folder bindings/ops out of bindings/ops.cpp.
.SUFFIXES:

demo: install
	needlecpp train demo --out runs/demo --time 60s --overwrite

test: test-cpp test-py

test-cpp: $(VENV)/.tools
	.ci/apt-missing g++=g++ catch2=/usr/include/catch2
	@[ -f $(BUILD)/CMakeCache.txt ] || cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release -DNEEDLECPP_TESTS=ON \
	  -DNEEDLECPP_WERROR=$(WERROR) -DCMAKE_PREFIX_PATH=$$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) --output-on-failure --parallel $(JOBS)

test-py: install
	python -m pytest -q --pyargs needlecpp tests_py

bench: install
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python benchmarks/core_ops.py
	python benchmarks/ops.py --json build/bench_ops.json
	python benchmarks/table.py --json build/bench.json

lint: $(VENV)/.tools
	@clang-format --dry-run --Werror $(CXX_FILES)
	ruff check .
	ruff format --check .
	@$(MAKE) --no-print-directory install
	mypy

format: $(VENV)/.tools
	@clang-format -i $(CXX_FILES)
	ruff check -q --fix-only .
	ruff format -q .

install: $(VENV)/.installed

# The tools of pyproject.toml's build and development live in the environment themselves, so that a rebuild after a small
# change finds every path as it was and compiles only what changed.
$(VENV)/.tools: pyproject.toml
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) -m venv failed; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "installing build and development tools into $(VENV)"
	@python -c 'import importlib, sys; \
	  toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "pip._vendor.tomli"); \
	  project = toml.load(open("pyproject.toml", "rb")); \
	  print(*project["build-system"]["requires"], *project["project"]["optional-dependencies"]["dev"], sep="\n")' \
	  >$(VENV)/requirements.txt
	@command -v cmake >/dev/null || echo cmake >>$(VENV)/requirements.txt
	@command -v ninja >/dev/null || echo ninja >>$(VENV)/requirements.txt
	@python -m pip install -q -r $(VENV)/requirements.txt
	@touch $@

$(VENV)/.installed: $(VENV)/.tools $(SOURCES)
	.ci/apt-missing g++=g++
	@echo "building and installing needlecpp into $(VENV) (minutes the first time)"
	@python -m pip install -q --no-build-isolation --config-settings=cmake.define.NEEDLECPP_WERROR=$(WERROR) .
	@rm -rf python/needlecpp/_core
	@cp -r $$(cd $(VENV) && python -c 'import needlecpp; print(needlecpp.__path__[0])')/_core python/needlecpp/
	@touch $@

clean:
	rm -rf build $(VENV) dist python/needlecpp/_core .pytest_cache .mypy_cache .ruff_cache
