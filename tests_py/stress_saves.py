"""Kills trainings at random instants, and fills the disk under them, and looks at what is left.

    python tests_py/stress_saves.py --kills 100
    python tests_py/stress_saves.py --disks 40      (needs root: it mounts a file system of 20 MB)

A run is *lost* if a model that had been saved is not there any more, or none is there more than a save interval after
the training began; *torn* if a file is there that cannot be read, or a command on the folder ends in a traceback.
test_saves.py does a few of both.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

INTERVAL = 1.0  # seconds between saves
SLACK = 3.0  # seconds that a save may take until its file has its name
DISK = 20  # MB


@dataclass
class Report:
    runs: int = 0
    lost: int = 0
    torn: int = 0
    unsaved: int = 0  # killed before the first save, and recognised as such
    saved: int = 0  # with a model at the end
    refused: int = 0  # ended by an error, in a sentence
    faults: list[str] = field(default_factory=list)
    worst: float = 0.0  # seconds of training that were lost

    def lose(self, text: str) -> None:
        self.lost += 1
        self.faults.append(f"lost: {text}")

    def tear(self, text: str) -> None:
        self.torn += 1
        self.faults.append(f"torn: {text}")


def write_scene(folder: Path, views: int = 6, size: int = 24) -> Path:
    """A ball before nothing, in Blender's layout."""
    from PIL import Image

    y, x = np.mgrid[0:size, 0:size] + 0.5 - size / 2
    inside = np.hypot(x, y) < size / 4
    for split, count in (("train", views), ("test", 2)):
        (folder / split).mkdir(parents=True)
        frames = []
        for i in range(count):
            pixels = np.zeros((size, size, 4), np.uint8)
            pixels[inside] = (200, 255 - 30 * i, 30, 255)
            Image.fromarray(pixels).save(folder / split / f"r_{i}.png")
            angle = 2 * math.pi * i / count
            eye = 4 * np.array([math.cos(angle), math.sin(angle), 0.3])
            back = eye / np.linalg.norm(eye)
            right = np.cross([0, 0, 1], back)
            right /= np.linalg.norm(right)
            pose = np.eye(4)
            pose[:3] = np.stack([right, np.cross(back, right), back, eye], axis=1)
            frames.append({"file_path": f"./{split}/r_{i}", "transform_matrix": pose.tolist()})
        document = {"camera_angle_x": 0.7, "frames": frames}
        (folder / f"transforms_{split}.json").write_text(json.dumps(document))
    return folder


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "needlecpp", *(str(a) for a in arguments)]


def whole_model(run: Path, report: Report) -> bool:
    """Whether a model is there, which is then read, with the files beside it."""
    from needlecpp import _core
    from needlecpp.render import Scene

    try:
        for name in ("config.json", "eval.json"):
            if (run / name).exists():
                json.loads((run / name).read_text())
        if (run / "metrics.jsonl").exists():
            for line in (run / "metrics.jsonl").read_text().splitlines():
                json.loads(line)
        if (run / "state.safetensors").exists():
            _core.load_safetensors(str(run / "state.safetensors"))
        if not (run / "model.safetensors").exists():
            return False
        if not Scene.load(run / "model.safetensors").finite():
            report.tear(f"{run}: not finite")
        return (run / "config.json").exists()
    except (OSError, ValueError, RuntimeError) as e:
        report.tear(str(e))
        return False


def says(arguments: list[str], words: str, report: Report) -> None:
    """Checks that a command ends with a sentence that has these words."""
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode != 2 or words not in done.stderr or "Traceback" in done.stderr:
        report.tear(f"{' '.join(arguments[3:])} said {done.stderr!r}, expected {words!r}")


def kills(folder: Path, count: int, seed: int) -> Report:
    """Kills trainings with SIGKILL: new ones, ones that go on, and ones that replace what is there."""
    report = Report()
    draw = random.Random(seed)
    scene = write_scene(folder / "scene")
    out = folder / "run"
    options = ("--save-every", f"{INTERVAL}s", "--threads", 1, "--no-eval", "--quiet")
    for i in range(count):
        resumable = (out / "state.safetensors").exists()
        kind = draw.choice(["new", "replace", "resume"] if resumable else ["new", "replace"])
        if kind == "new":
            shutil.rmtree(out, ignore_errors=True)
        had = whole_model(out, report) or whole_model(out / ".previous", report)
        if kind == "resume":
            process = subprocess.Popen(command("train", "--resume", out, *options))
        else:
            process = subprocess.Popen(
                command("train", scene, "--out", out, "--time", "1h", "--overwrite", "--seed", i, *options)
            )
        # From the loading of the program to a few saves.
        began = wait_for_training(out, process, before=kind)
        delay = draw.uniform(0, 4 * INTERVAL) if draw.random() < 0.8 else 0.0
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed = time.time()
        report.runs += 1
        if whole_model(out, report):
            report.saved += 1
            age = min(killed - (out / "model.safetensors").stat().st_mtime, killed - began)
            report.worst = max(report.worst, age)
            if age > INTERVAL + SLACK:
                report.lose(f"run {i} ({kind}): the model is {age:.1f} s old")
            continue
        if had and not whole_model(out / ".previous", report):
            report.lose(f"run {i} ({kind}): the model that was there is gone")
        if killed - began > INTERVAL + SLACK:
            report.lose(f"run {i} ({kind}): no model {killed - began:.1f} s after the training began")
        report.unsaved += 1
        if (out / "config.json").exists() and (report.unsaved <= 3 or i % 10 == 0):
            says(command("train", scene, "--out", out), "ended before its first save", report)
            says(command("render", out, "--out", folder / "frames"), "ended before its first save", report)
    return report


def wait_for_training(out: Path, process: subprocess.Popen[bytes], before: str) -> float:
    """When the training began: its metrics file is opened right before the first step."""
    start = time.time()
    while process.poll() is None and time.time() < start + 120:
        with contextlib.suppress(OSError):
            if (out / "metrics.jsonl").stat().st_mtime >= start - 0.01 and (
                before == "resume" or not (out / "model.safetensors").exists()
            ):
                break
        time.sleep(0.002)
    return time.time()


def can_mount() -> bool:
    """Whether a small file system can be mounted here."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        try:
            with small_disk(Path(folder)):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


@contextlib.contextmanager
def small_disk(at: Path) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}m", "tmpfs", str(at)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


def full_disks(folder: Path, points: int) -> Report:
    """Trains, evaluates and renders on a file system of 20 MB of which so much is taken that another write in turn is
    the first that does not fit: of config.json, metrics, the model, the pictures."""
    report = Report()
    scene = write_scene(folder / "scene")
    disk = folder / "disk"
    disk.mkdir()
    for i in range(points):
        with small_disk(disk):
            taken = DISK * (1 - i / max(points - 1, 1)) * 2**20
            (disk / "filler").write_bytes(b"\0" * min(int(taken), shutil.disk_usage(disk).free))
            one_full_disk(scene, disk, report, f"{taken / 2**20:.2f} MB taken")
        with small_disk(disk):  # the run is there; then it fills while the next one is at work
            out = disk / "run"
            quiet = ("--threads", 1, "--quiet", "--save-every", f"{INTERVAL}s")
            subprocess.run(command("train", scene, "--out", out, "--steps", 5, *quiet), check=True)
            free = shutil.disk_usage(disk).free
            (disk / "filler").write_bytes(b"\0" * int(free * (1 - i / max(points - 1, 1))))
            one_full_disk(scene, disk, report, f"{free * i / max(points - 1, 1) / 2**20:.2f} MB left beside a run")
    return report


def one_full_disk(scene: Path, disk: Path, report: Report, name: str) -> None:
    out = disk / "run"
    had = whole_model(out, report)
    report.runs += 1
    quiet = ("--threads", 1, "--quiet", "--save-every", f"{INTERVAL}s")
    for arguments in (
        command("train", scene, "--out", out, "--time", "3s", "--overwrite", *quiet),
        command("eval", out),
        command("render", out, "--out", disk / "frames", "--frames", 3),
    ):
        views = {file: file.read_bytes() for file in disk.glob("*/**/*.png")}
        done = subprocess.run(arguments, capture_output=True, text=True)
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        if "Traceback" in done.stderr or done.returncode not in (0, 2) or len(errors) != (done.returncode == 2):
            report.tear(f"{name}: {arguments[3]} ended with {done.returncode} and {done.stderr!r}")
        if list(disk.rglob("*.part")):
            report.tear(f"{name}: {arguments[3]} left {[str(f) for f in disk.rglob('*.part')]}")
        if done.returncode == 2:
            report.refused += 1
            if arguments[3] != "train" and {f: f.read_bytes() for f in disk.glob("*/**/*.png")} != views:
                report.lose(f"{name}: pictures are gone or half after {arguments[3]}")
        there = whole_model(out, report)
        if arguments[3] == "train" and not there and (had or done.returncode == 0):
            report.lose(f"{name}: the model is gone, {done.stderr!r}")
        if arguments[3] == "train" and done.returncode == 0:
            report.saved += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--disks", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    failed = 0
    for name, count in (("kills", options.kills), ("full disks", options.disks)):
        if count:
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder)
                report = kills(root, count, options.seed) if name == "kills" else full_disks(root, count)
            print(
                f"{name}: {report.runs} runs, {report.lost} lost, {report.torn} torn; {report.saved} saved, "
                f"{report.unsaved} before the first save, {report.refused} ended in a sentence, "
                f"at most {report.worst:.1f} s of training lost"
            )
            print("\n".join(report.faults))
            failed += report.lost + report.torn
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
