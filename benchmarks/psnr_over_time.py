"""How good a picture a budget of seconds buys: needlecpp beside an Instant-NGP in pure PyTorch on the same cores.

    python benchmarks/psnr_over_time.py [--out docs/images/psnr_over_time.png] [--seconds 5 10 20 40 60 120 300]

Draws a picture. Each of our points is a training run of that length on lego_400 with its own learning-rate schedule,
and the mean PSNR over the test views. torch_ngp.py (in NEEDLECPP_PEERS, see table.py) runs once, with torch.compile,
and evaluates held-out training views as it goes; its seconds are those of its steps, compiling included. Needs
NEEDLECPP_DATA and matplotlib (pip install needlecpp[bench]).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

from table import DATA, PEER_PYTHON, PEERS, run


def ours(scene: Path, seconds: list[int]) -> list[tuple[float, float]]:
    points = []
    for budget in seconds:
        with tempfile.TemporaryDirectory() as folder:
            command = ["train", str(scene), "--time", f"{budget}s", "--quiet", "--json", "--out", f"{folder}/run"]
            result = json.loads(run([sys.executable, "-m", "needlecpp", *command]))
        points.append((float(budget), float(result["psnr"])))
        print(f"needlecpp {budget} s: {result['psnr']:.2f} dB", flush=True)
    return points


def theirs(scene: Path, seconds: int) -> list[tuple[float, float]]:
    script = PEERS / "torch_ngp.py"
    if not script.exists():
        return []
    # Its evaluations take longer than the training between them; every 397th pixel of the views is enough.
    command = [PEER_PYTHON, str(script), str(scene), "--down", "1", "--seconds", str(seconds + 1), "--compile"]
    text = run([*command, "--evals", "15,30,60,120,300", "--eval_every", "397"])
    print(text, flush=True)
    return [(float(t), float(p)) for t, p in re.findall(r"wall +([\d.]+) s.*PSNR ([\d.]+)", text)]


def draw(our_points: list[tuple[float, float]], their_points: list[tuple[float, float]], out: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), dpi=110)
    axes.plot(*zip(*our_points, strict=True), "o-", color="#d9541e", label="needlecpp")
    if their_points:
        axes.plot(
            *zip(*their_points, strict=True), "s-", color="#4a6fa5", label="Instant-NGP in PyTorch, torch.compile"
        )
    axes.set_xscale("log")
    ticks = [5, 10, 20, 40, 60, 120, 300]
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel("seconds of training, two CPU cores")
    axes.set_ylabel("PSNR, dB")
    axes.set_title("Lego, 400×400, views not trained on")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.tight_layout()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)
    print(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/psnr_over_time.png"))
    parser.add_argument("--seconds", type=int, nargs="+", default=[5, 10, 20, 40, 60, 120, 300])
    arguments = parser.parse_args()
    scene = Path(DATA) / "lego_400"
    if not DATA or not scene.exists():
        parser.error("NEEDLECPP_DATA has no lego_400")
    draw(ours(scene, arguments.seconds), theirs(scene, max(arguments.seconds)), arguments.out)


if __name__ == "__main__":
    main()
