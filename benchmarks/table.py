"""The hot paths beside their peers on the same machine, in one run: prints a Markdown table, and JSON on demand.

    python benchmarks/table.py [--rounds 5] [--json FILE] [--training SECONDS ...] [PART ...]

Parts, in this order: field, scaling, isa, threads, kernels, training (all where none is named). Each program runs in
processes of its own and in turns with its peers; a figure is the median over the rounds with its range, and ratios are
taken round by round.

Peers come from PyTorch and Dr.Jit where the Python named by NEEDLECPP_BENCH_TORCH (this one by default) has them, and
from the scripts in NEEDLECPP_PEERS (by default the folder `bench` beside NEEDLECPP_DATA):
field_step_torch.py LOG2_T LOG2_N compile and field_step_drjit.py LOG2_T LOG2_N, which print `train X Msamples/s` for
the workload of field_step.py here. What is missing leaves its column empty. Training needs NEEDLECPP_DATA.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DATA = os.environ.get("NEEDLECPP_DATA", "")
PEERS = Path(os.environ.get("NEEDLECPP_PEERS") or (Path(DATA).parent / "bench" if DATA else HERE / "peers"))
PEER_PYTHON = os.environ.get("NEEDLECPP_BENCH_TORCH", sys.executable)
CPUS = len(os.sched_getaffinity(0))


def run(command: list[str], **environment: str) -> str:
    """Standard output of a program, empty when it fails."""
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    return result.stdout if result.returncode == 0 else ""


def number(text: str, pattern: str) -> float | None:
    match = re.search(pattern, text)
    return float(match[1]) if match else None


class Table:
    """Rows of figures, printed as they come and kept for the JSON."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def title(self, text: str, *columns: str) -> None:
        print(f"\n**{text}**\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)

    def row(self, name: str, *cells: str, **figures: Any) -> None:
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        self.rows.append({"name": name, **figures})


def spread(values: list[float], digits: int = 2) -> str:
    if not values:
        return ""
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [a / b for a, b in zip(ours, theirs, strict=False)]


def field_step(log2_t: int, log2_n: int, precision: str = "float32", **environment: str) -> tuple[float, float]:
    """Training and inference of the field step, Msamples/s."""
    text = run([sys.executable, str(HERE / "field_step.py"), str(log2_t), str(log2_n), precision], **environment)
    train, infer = number(text, r"train ([\d.]+)"), number(text, r"infer ([\d.]+)")
    if train is None or infer is None:
        raise SystemExit(f"field_step.py failed: {text}")
    return train, infer


def peer_step(script: str, log2_t: int, *more: str) -> float | None:
    path = PEERS / script
    return number(run([PEER_PYTHON, str(path), str(log2_t), "17", *more]), r"train ([\d.]+)") if path.exists() else None


def field(table: Table, rounds: int) -> None:
    table.title(
        "Field step, N = 2^17, Msamples/s",
        "",
        "float32",
        "bfloat16",
        "`torch.compile`",
        "Dr.Jit",
        "float32 / compile",
        "float32 / Dr.Jit",
        "bfloat16 / compile",
        "inference float32",
        "inference bfloat16",
        "inference / training",
    )
    for log2_t in (15, 17, 19):
        f32, b16, f32_infer, b16_infer, compiled, drjit = ([] for _ in range(6))
        for _ in range(rounds):
            train, infer = field_step(log2_t, 17)
            f32.append(train)
            f32_infer.append(infer)
            if (rate := peer_step("field_step_torch.py", log2_t, "compile")) is not None:
                compiled.append(rate)
            train, infer = field_step(log2_t, 17, "bfloat16")
            b16.append(train)
            b16_infer.append(infer)
            if (rate := peer_step("field_step_drjit.py", log2_t)) is not None:
                drjit.append(rate)
        table.row(
            f"T = 2^{log2_t}",
            *(spread(v) for v in (f32, b16)),
            *(spread(v, 3) for v in (compiled, drjit)),
            *(spread(v, 1) for v in (ratios(f32, compiled), ratios(f32, drjit), ratios(b16, compiled))),
            *(spread(v, 1) for v in (f32_infer, b16_infer, ratios(b16_infer, f32))),
            float32=f32,
            bfloat16=b16,
            infer_float32=f32_infer,
            infer_bfloat16=b16_infer,
            torch_compile=compiled,
            drjit=drjit,
        )


def scaling(table: Table, rounds: int) -> None:
    table.title("Cost growth, T = 2^17, float32: nanoseconds a sample", "N", "training", "inference")
    sizes = (14, 15, 16, 17, 18, 19, 20)
    times: dict[int, list[tuple[float, float]]] = {log2_n: [] for log2_n in sizes}
    for _ in range(rounds):
        for log2_n in sizes:
            train, infer = field_step(17, log2_n)
            times[log2_n].append((1e3 / train, 1e3 / infer))
    for log2_n in sizes:
        train_ns, infer_ns = ([t[i] for t in times[log2_n]] for i in (0, 1))
        table.row(f"2^{log2_n}", spread(train_ns, 0), spread(infer_ns, 0), train_ns=train_ns, infer_ns=infer_ns)


def threads(table: Table, rounds: int) -> None:
    table.title("Threads, T = 2^17, N = 2^17, Msamples/s", "", "1 thread", f"{CPUS} threads", "ratio")
    one, all_ = [], []
    for _ in range(rounds):
        one.append(field_step(17, 17, OMP_NUM_THREADS="1"))
        all_.append(field_step(17, 17))
    for i, name in enumerate(("training", "inference")):
        alone, together = [t[i] for t in one], [t[i] for t in all_]
        table.row(name, spread(alone), spread(together), spread(ratios(together, alone)), one=alone, all=together)


def isa(table: Table, rounds: int) -> None:
    table.title("Instruction sets, T = 2^17, N = 2^17, Msamples/s", "", "training", "of the best", "inference")
    names = ("avx512", "avx2", "baseline")
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            rates[name].append(field_step(17, 17, NEEDLECPP_ISA=name))
    best = [t for t, _ in rates["avx512"]]
    for name in names:
        train, infer = ([r[i] for r in rates[name]] for i in (0, 1))
        table.row(name, spread(train), spread(ratios(train, best)), spread(infer), train=train, infer=infer)


def kernels(table: Table, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "kernels.json"
        text = run([sys.executable, str(HERE / "kernels.py"), "--rounds", str(rounds), "--json", str(out)])
        print(f"\n**Kernels beside PyTorch**\n\n```\n{text.rstrip()}\n```", flush=True)
        table.rows.append({"name": "kernels", "rounds": json.loads(out.read_text())})


def training(table: Table, budgets: list[str]) -> None:
    scene = Path(DATA) / "lego_400"
    if not DATA or not scene.exists():
        print("\nno training: NEEDLECPP_DATA has no lego_400")
        return
    table.title(
        "Training on lego_400",
        "time",
        "precision",
        "PSNR, 25 test views",
        "SSIM",
        "Msamples/s",
        "steps",
        "s a 400x400 view",
        "peak MiB",
    )
    for budget in budgets:
        for precision in ("float32", "bfloat16"):
            with tempfile.TemporaryDirectory() as folder:
                command = ["train", str(scene), "--time", budget, "--precision", precision, "--quiet", "--json"]
                text = run([sys.executable, "-m", "needlecpp", *command, "--out", f"{folder}/run"])
            r = json.loads(text)
            table.row(
                budget,
                precision,
                f"{r['psnr']:.2f}",
                f"{r['ssim']:.3f}",
                f"{r['samples_per_second'] / 1e6:.2f}",
                str(r["steps"]),
                f"{r['seconds_per_view']:.2f}",
                f"{r['peak_memory_bytes'] / 2**20:.0f}",
                **{k: r[k] for k in ("psnr", "ssim", "samples_per_second", "steps", "seconds_per_view")},
                precision=precision,
            )


def machine() -> dict[str, str]:
    import needlecpp

    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line for line in lines if line.startswith("model name")), ": unknown")
    versions = "import torch; print('PyTorch', torch.__version__)"
    return {
        "cpu": cpu.split(":", 1)[1].strip(),
        "cpus": str(CPUS),
        "isa": needlecpp.isa(),
        "needlecpp": needlecpp.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "peers": (run([PEER_PYTHON, "-c", versions]).strip() + " " + _drjit()).strip() or "none",
    }


def _drjit() -> str:
    return run([PEER_PYTHON, "-c", "import drjit; print('Dr.Jit', drjit.__version__)"]).strip()


PARTS = {"field": field, "scaling": scaling, "isa": isa, "threads": threads, "kernels": kernels}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join([*PARTS, "training"]))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--training", nargs="+", default=["60s"], metavar="TIME", help="budgets of the training part")
    parser.add_argument("--json", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - {*PARTS, "training"}
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    facts = machine()
    print(", ".join(f"{key} {value}" for key, value in facts.items()))
    table = Table()
    for name in arguments.parts or [*PARTS, "training"]:
        if name == "training":
            training(table, arguments.training)
        else:
            PARTS[name](table, arguments.rounds)
        if arguments.json:
            arguments.json.parent.mkdir(parents=True, exist_ok=True)
            arguments.json.write_text(json.dumps({"machine": facts, "rows": table.rows}, indent=1))


if __name__ == "__main__":
    main()
