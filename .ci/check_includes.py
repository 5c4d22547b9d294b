#!/usr/bin/env python3
"""Checks who includes whom (docs/architecture.md), that ops leave threads and memory to devices, where OpenMP stands,
file lengths and marks of unfinished work.

Prints one line a violation and exits 1 if there is any.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

MAX_LINES = 800

# Folder of cpp/include/needlecpp and cpp/src -> the folders it may include from.
LAYERS = {
    "simd": {"simd"},
    "core": {"core", "simd"},
    "autograd": {"autograd", "core", "simd"},
    "ops": {"ops", "autograd", "core", "simd"},
    "io": {"io", "ops", "autograd", "core"},
    "render": {"render", "io", "ops", "autograd", "core", "simd"},
    "train": {"train", "render", "io", "ops", "autograd", "core", "simd"},
    "apps": {"train", "render", "io", "ops", "autograd", "core"},
}
C_HEADERS = {"stdint.h", "string.h", "math.h", "stddef.h", "float.h", "immintrin.h"}
PUBLIC_FORBIDDEN = re.compile(r"cuda|nanobind|pybind|Python\.h|nlohmann|json|omp\.h|immintrin")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
# What an op file leaves to the devices: threads, kernels, and the memory of tensors.
DEVICE_WORK = re.compile(
    r"\bparallel_(?:for|tasks)\b|\bNDL_KERNEL\b|\bScratch<|\bmem(?:cpy|move|set)\b|\bto_vector<"
    r"|(?:\.|->)(?:raw\(|data<|template data<)|->data\(|<immintrin\.h>|<thread>|core/parallel\.h"
)
# A device's functions defined, or called by name. (A forward declaration, and a type in a signature, are neither.)
DEVICE_NAMED = re.compile(r"\bnamespace needlecpp::(?:cpu|cuda)\b|\b(?:cpu|cuda)::\w+\(")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


def tracked_files() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], check=True, capture_output=True, text=True
    )
    return [line for line in listing.stdout.splitlines() if Path(line).is_file()]


def is_kernel(path: str) -> bool:
    """Whether the file is compiled once per instruction set, or included where it is."""
    return path.endswith(("_simd.cpp", "_simd.h", "_kernels.h")) or (
        path.startswith("cpp/src/simd/") and path.endswith(".h")
    )


def check_kernel(path: str, includes: list[tuple[str, str]]) -> list[str]:
    folder = path.removeprefix("cpp/src/").split("/")[0]
    problems = []
    for bracket, target in includes:
        if bracket == "<":
            allowed = target in C_HEADERS
        else:
            # Besides simd/, kernel headers of the same or a lower layer; those are kernels too, so this holds through
            # every level of inclusion.
            layer = target.split("/")[0]
            allowed = layer == "simd" or (target.endswith(("_kernels.h", "_simd.h")) and layer in LAYERS[folder])
        if not allowed:
            problems.append(
                f"{path}: a kernel includes {target}; only simd/, *_kernels.h, *_simd.h and C headers are allowed"
            )
    return problems


def check_layers(path: str, includes: list[tuple[str, str]]) -> list[str]:
    public = path.startswith("cpp/include/needlecpp/")
    folder = path.removeprefix("cpp/include/needlecpp/").removeprefix("cpp/src/").split("/")[0]
    if folder not in LAYERS:
        return [f"{path}: unknown folder {folder}; add it to LAYERS in .ci/check_includes.py"]
    problems = []
    for bracket, target in includes:
        if bracket == "<":
            if public and PUBLIC_FORBIDDEN.search(target):
                problems.append(f"{path}: a public header includes <{target}>")
            continue
        is_public_target = target.startswith("needlecpp/")
        layer = target.removeprefix("needlecpp/").split("/")[0]
        if (public or folder == "apps") and not is_public_target:
            problems.append(f"{path}: includes the private header {target}")
        elif layer not in LAYERS[folder]:
            problems.append(f"{path}: {folder} includes {target}; it may include {sorted(LAYERS[folder])}")
    return problems


def is_op(path: str) -> bool:
    """Whether the file is an op's, unlike the CPU's answer (x_cpu.cpp) and its inner loops (x_simd.cpp)."""
    return (
        path.startswith(("cpp/src/ops/", "cpp/src/render/ops/"))
        and path.endswith(".cpp")
        and not path.endswith(("_cpu.cpp", "_simd.cpp"))
    )


def without_comments(text: str) -> str:
    """The same lines with nothing in place of comments."""
    return re.sub(r"//[^\n]*|/\*.*?\*/", lambda comment: "\n" * comment.group().count("\n"), text, flags=re.DOTALL)


def check_seam(path: str, text: str, includes: list[tuple[str, str]]) -> list[str]:
    """An op asks a device by x_run.h alone, and x_cpu.cpp answers without knowing the tape."""
    problems = []
    code = without_comments(text)
    if is_op(path):
        for number, line in enumerate(code.splitlines(), 1):
            if found := DEVICE_WORK.search(line):
                problems.append(
                    f"{path}:{number}: an op does a device's work ({found.group()}); it belongs to x_cpu.cpp"
                )
    if path.endswith(("_cpu.cpp", "_cpu.h")):
        if path.endswith(".cpp") and not any(target.endswith(("_run.h", "_cpu.h")) for _, target in includes):
            problems.append(f"{path}: answers to no x_run.h")
        for _, target in includes:
            if target.removeprefix("needlecpp/").startswith("autograd/"):
                problems.append(f"{path}: the CPU's answer knows the tape ({target})")
    elif path != "cpp/src/core/run.h":  # which defines NDL_ON, the choice of a device
        if found := DEVICE_NAMED.search(code):
            problems.append(
                f"{path}: passes NDL_ON by ({found.group()}); a device's functions belong to x_cpu.cpp, x_cpu.h"
            )
        if "NDL_DECLARE_RUN(" in code and not path.endswith("_run.h"):
            problems.append(f"{path}: declares a run function; that belongs to x_run.h")
        for _, target in includes:
            if target.endswith(("_cpu.cpp", "_cpu.h")):
                problems.append(f"{path}: includes {target}; only x_run.h leads to the CPU's answer")
    return problems


def check_circles(includes_of: dict[str, list[tuple[str, str]]]) -> list[str]:
    """No two folders include each other, directly or through others: shelves by their private headers, and layers."""
    edges: dict[str, dict[str, str]] = {}  # folder -> folder it includes from -> an include that does

    def note(folder: str, other: str, example: str) -> None:
        if folder != other:
            edges.setdefault(folder, {}).setdefault(other, example)

    for path, includes in includes_of.items():
        folder = str(Path(path.removeprefix("cpp/include/needlecpp/").removeprefix("cpp/src/")).parent)
        for bracket, target in includes:
            if bracket == "<":
                continue
            example = f"{path} includes {target}"
            if not target.startswith("needlecpp/"):
                note(folder, str(Path(target).parent), example)
            # Public headers are flat, so that shelves are one layer to them.
            note(
                f"{folder.split('/')[0]} (layer)", f"{target.removeprefix('needlecpp/').split('/')[0]} (layer)", example
            )

    def reaches(start: str, goal: str) -> list[str]:
        """The includes along a shortest way from start to goal."""
        ways: dict[str, list[str]] = {start: []}
        queue = [start]
        for folder in queue:
            for other, example in edges.get(folder, {}).items():
                if other == goal:
                    return [*ways[folder], example]
                if other not in ways:
                    ways[other] = [*ways[folder], example]
                    queue.append(other)
        return []

    circles = {}  # one may be entered by any of its folders
    for folder in sorted(edges):
        if way := reaches(folder, folder):
            circles.setdefault(frozenset(way), f"a circle of folders: {'; '.join(way)}")
    return list(circles.values())


def check_outside(path: str, includes: list[tuple[str, str]]) -> list[str]:
    """Bindings and examples use public headers alone."""
    return [
        f"{path}: includes {target}; outside cpp/ only public headers are used"
        for bracket, target in includes
        if bracket == '"' and target.split("/")[0] in LAYERS
    ]


def check_file(path: str) -> list[str]:
    problems = []
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    code = path.endswith((".cpp", ".h", ".cu", ".cuh", ".py", ".cmake", ".sh")) or path.endswith("CMakeLists.txt")
    if not code:
        return []
    if text.count("\n") > MAX_LINES:
        problems.append(f"{path}: {text.count(chr(10))} lines, at most {MAX_LINES} are allowed")
    if not path.startswith(".ci/"):
        for number, line in enumerate(text.splitlines(), 1):
            if UNFINISHED.search(line):
                problems.append(f"{path}:{number}: a mark of unfinished work")
            if "-march=native" in line or "-ffast-math" in line:
                problems.append(f"{path}:{number}: a flag that is unsafe in a wheel")
    if not path.endswith((".cpp", ".h", ".cu", ".cuh")):
        return problems

    includes = INCLUDE.findall(text)
    if path.startswith("cpp/"):
        problems += check_layers(path, includes)
        problems += check_seam(path, text, includes)
        if is_kernel(path):
            problems += check_kernel(path, includes)
            if re.search(r"\bstd::", re.sub(r"//.*", "", text)):
                problems.append(f"{path}: a kernel uses std::")
        if path != "cpp/src/core/parallel.cpp" and re.search(r"#\s*pragma\s+omp|<omp\.h>|\bomp_\w+\(", text):
            problems.append(f"{path}: OpenMP belongs to core/parallel.cpp alone")
    elif path.startswith(("bindings/", "examples/")):
        problems += check_outside(path, includes)
    return problems


def main() -> int:
    files = tracked_files()
    problems = [problem for path in files for problem in check_file(path)]
    sources = [path for path in files if path.startswith("cpp/") and path.endswith((".cpp", ".h", ".cu", ".cuh"))]
    problems += check_circles({path: INCLUDE.findall(Path(path).read_text(encoding="utf-8")) for path in sources})
    print("\n".join(problems) if problems else f"include rules hold in {len(files)} files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
