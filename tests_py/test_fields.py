"""What holds for every field, those of ``render.fields`` and one that is written in Python; and what a field in Python
may get wrong."""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest
from needlecpp import _core, nn, render

BOX = render.Box((-1, -1, -1), (1, 1, 1))
SMALL_GRID = {"levels": 4, "log2_table_size": 12, "base_resolution": 8, "growth": 1.7}


class Blob(render.Field):
    """Density and colour from two small networks over the position."""

    def __init__(self, width: int = 16, seed: int = 0) -> None:
        super().__init__(BOX)
        ndl.manual_seed(seed)
        self.inner = nn.Linear(3, width)
        self.layers = [nn.Linear(width, width), nn.Linear(width, 3)]
        self.level = nn.Parameter([1.0])

    def density(self, positions: ndl.Tensor) -> tuple[ndl.Tensor, ndl.Tensor]:
        features = ndl.tanh(self.inner(positions))
        return ndl.softplus(features.sum(axis=1) + self.level), features

    def color(self, features: ndl.Tensor, directions: ndl.Tensor) -> ndl.Tensor:
        hidden = ndl.relu(self.layers[0](features))
        return ndl.sigmoid(self.layers[1](hidden) + directions * 0.1)


def small(kind: str) -> Callable[[int], Any]:
    return lambda seed: _core._small_field(kind, seed)


FIELDS: dict[str, Callable[[int], Any]] = {
    **{kind: small(kind) for kind in _core._field_kinds()},
    "NGP bfloat16": lambda seed: render.fields.NGP(box=BOX, grid=SMALL_GRID, precision="bfloat16", seed=seed),
    "Python": lambda seed: Blob(seed=seed),
}
every_field = pytest.mark.parametrize("make", FIELDS.values(), ids=FIELDS)


def cameras(n: int = 1) -> render.Cameras:
    pose = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -3]], "f4")
    return render.Cameras(np.tile(pose, (n, 1, 1)), np.tile(np.array([20, 20, 8, 6, 0, 0, 0, 0], "f4"), (n, 1)), 16, 12)


def trainer_of(field: Any, **settings: Any) -> render.Trainer:
    config = render.TrainerConfig(
        march={"step": 0.05}, occupancy_resolution=32, samples_per_step=4096, occupancy_interval=4, **settings
    )
    images = np.zeros((1, 12, 16, 4), "u1")
    images[:, 3:9, 4:12] = (200, 60, 30, 255)
    return render.Trainer(field, images, cameras(), config)


def weights(field: Any) -> dict[str, bytes]:
    return {name: np.asarray(p).tobytes() for name, p in field.named_parameters()}


def test_every_kind_is_bound_and_tested() -> None:
    bound = {name for name in render.fields.__all__ if not name.endswith("Config")}
    assert bound == {type(make(0)).__name__ for make in FIELDS.values()} - {"Blob"}


@every_field
def test_answers_have_their_shapes(make: Callable[[int], Any]) -> None:
    field = make(0)
    assert field.box.low == BOX.low
    for n in (0, 1, 50):
        sigma, features = field.density(ndl.rand(n, 3) * 2 - 1)
        assert sigma.shape == (n,) and features.shape[0] == n
        directions = ndl.full((n, 3), 3**-0.5)
        assert field.color(features, directions).shape == (n, 3)


@every_field
def test_training_learns_and_a_seed_repeats_it(make: Callable[[int], Any]) -> None:
    runs = []
    for threads in (1, 2):
        ndl.set_num_threads(threads)
        field = make(1)
        trainer = trainer_of(field)
        losses: list[float] = []
        trainer.run(render.Budget(steps=40), lambda step, losses=losses: losses.append(step.loss))
        assert trainer.steps == 40 and losses[-1] < 0.5 * losses[0]
        runs.append((losses, weights(field)))
    assert runs[0] == runs[1]


@every_field
def test_a_scene_comes_back_from_its_file(make: Callable[[int], Any], tmp_path: Path) -> None:
    trainer = trainer_of(make(1))
    trainer.run(render.Budget(steps=8))
    scene, file = trainer.scene(), tmp_path / "model.safetensors"
    scene.save(file)
    field = make(2)
    again = render.Scene.load(file, field=field)
    assert again.field is field and again.step == 8
    assert weights(field) == weights(scene.field)
    pictures = [render.Renderer(s).render(cameras(), 0).color.numpy() for s in (scene, again)]
    assert (pictures[0] == pictures[1]).all() and not (pictures[0] == 1).all()
    if isinstance(field, render.Field):
        with pytest.raises(ValueError, match=r"got 'python\.Blob', expected one of ngp"):
            render.Scene.load(file)
        with pytest.raises(ValueError, match="does not fit"):
            render.Scene.load(file, field=Blob(width=8))
    else:
        assert weights(render.Scene.load(file).field) == weights(field)


@every_field
def test_a_training_goes_on_from_its_state(make: Callable[[int], Any], tmp_path: Path) -> None:
    file = str(tmp_path / "state")
    whole = trainer_of(make(1))
    for i in range(9):
        whole.step(i / 20)
    whole.snapshot().save_state(file, {"note": "x"})
    expected = [whole.step(i / 20).loss for i in range(9, 20)]
    resumed = trainer_of(make(5))
    assert resumed.load_state(file) == {"note": "x"}
    assert [resumed.step(i / 20).loss for i in range(9, 20)] == expected


@every_field
@pytest.mark.parametrize("training", [False, True])
def test_bytes_bounds_what_is_allocated(make: Callable[[int], Any], training: bool) -> None:
    field = make(0)
    positions = ndl.rand(20_000, 3)
    directions = ndl.full(positions.shape, 3**-0.5)
    bound = field.bytes(len(positions), training)
    before = ndl.memory_stats()["current"]
    ndl.reset_peak_memory()
    if training:
        sigma, features = field.density(positions)
        (sigma.sum() + field.color(features, directions).sum()).backward()
    else:
        with ndl.no_grad():
            field.color(field.density(positions)[1], directions)
    assert ndl.memory_stats()["peak"] - before <= bound


# What a field in Python may get wrong.


class Wrong(Blob):
    """Answers otherwise once it is armed."""

    def __init__(self, **answers: Callable[..., Any]) -> None:
        super().__init__()
        self.answers = answers
        self.armed = False

    def density(self, positions: ndl.Tensor) -> Any:
        answer = super().density(positions)
        return self.answers["density"](*answer) if self.armed and "density" in self.answers else answer

    def color(self, features: ndl.Tensor, directions: ndl.Tensor) -> Any:
        answer = super().color(features, directions)
        return self.answers["color"](answer) if self.armed and "color" in self.answers else answer


def raises(*_: Any) -> Any:
    raise KeyError("mine")


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ({"density": lambda s, f: s}, TypeError, r"\[field\] density gave something else: got Tensor"),
        ({"density": lambda s, f: (s, f, f)}, TypeError, "expected a pair"),
        ({"density": lambda s, f: None}, TypeError, "got NoneType"),
        ({"density": lambda s, f: (s.numpy(), f)}, TypeError, "sigma that is no tensor: got ndarray"),
        ({"density": lambda s, f: (s.reshape(-1, 1), f)}, ValueError, "sigma of a wrong shape"),
        ({"density": lambda s, f: (s[:-1], f)}, ValueError, "sigma of a wrong shape"),
        ({"density": lambda s, f: (s.astype("float64"), f)}, TypeError, "sigma of a wrong dtype: got float64"),
        ({"density": lambda s, f: (s, f[:, 0])}, ValueError, "features of a wrong shape"),
        ({"density": lambda s, f: (s, f.astype("int32"))}, TypeError, "features of a wrong dtype"),
        ({"color": lambda c: c[:, :2]}, ValueError, r"color gave colours of a wrong shape"),
        ({"color": lambda c: [1, 2, 3]}, TypeError, "colours that is no tensor: got list"),
        ({"color": raises}, KeyError, "mine"),
        ({"density": raises}, KeyError, "mine"),
    ],
)
def test_wrong_answers_are_one_error_and_nothing_is_lost(
    answers: dict[str, Any], error: type[Exception], words: str
) -> None:
    field = Wrong(**answers)
    trainer = trainer_of(field)
    for _ in range(3):
        trainer.step(0)
    before = weights(field)
    field.armed = True
    for _ in range(3):
        with pytest.raises(error, match=words):
            trainer.step(0)
    assert trainer.steps == 3 and weights(field) == before
    field.armed = False
    assert np.isfinite(trainer.step(0).loss) and trainer.steps == 4
    field.armed = True
    with pytest.raises(error, match=words):
        render.Renderer(trainer.scene()).render(cameras(), 0)


def test_what_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="got None"):
        trainer_of(None)
    for thing in (3, object(), nn.Linear(2, 2)):
        with pytest.raises(TypeError, match="this is no field"):
            trainer_of(thing)

    class Bare(render.Field):
        def __init__(self) -> None:
            pass

    with pytest.raises(AttributeError):
        trainer_of(Bare())
    with pytest.raises(ValueError, match="a field without parameters"):
        trainer_of(render.Field(BOX))

    class Half(render.Field):
        def __init__(self) -> None:
            super().__init__(BOX)
            self.x = nn.Parameter([1.0], dtype="float64")

    with pytest.raises(ValueError, match="the parameter 'x' cannot be trained: got float64"):
        trainer_of(Half())
    half = Half()
    half.x = nn.Parameter([1.0])
    with pytest.raises(NotImplementedError, match=r"\[Half\] density is not defined"):
        trainer_of(half).step(0)


def test_batches_that_are_kept_or_written_to_do_no_harm() -> None:
    class Hoarder(Blob):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[Any] = []

        def density(self, positions: ndl.Tensor) -> tuple[ndl.Tensor, ndl.Tensor]:
            answer = super().density(positions)
            self.seen.append((positions, answer))
            return answer

    plain, hoarder = Blob(), Hoarder()
    expected = [trainer_of(plain).step(0).loss, weights(plain)]
    trainer = trainer_of(hoarder)
    assert [trainer.step(0).loss, weights(hoarder)] == expected
    for _ in range(5):
        trainer.step(0)
        for positions, _ in hoarder.seen:
            positions.numpy()[...] = np.nan
    assert np.isfinite(trainer.step(0).loss)


def test_a_penalty_and_growth() -> None:
    class Growing(Blob):
        grown = False

        def penalty(self) -> ndl.Tensor:
            return (self.level * self.level).sum() * 0.5

        def refine(self, progress: float) -> bool:
            if progress < 0.5 or self.grown:
                return False
            self.level = nn.Parameter(np.tile(self.level.numpy(), 2) / 2)
            self.grown = True
            return True

        def density(self, positions: ndl.Tensor) -> tuple[ndl.Tensor, ndl.Tensor]:
            features = ndl.tanh(self.inner(positions))
            return ndl.softplus(features.sum(axis=1) + self.level.sum()), features

    field = Growing()
    trainer = trainer_of(field)
    step = trainer.step(0)
    assert step.loss == pytest.approx(step.mse + 0.5, rel=1e-5)
    trainer.run(render.Budget(steps=20))
    assert field.level.shape == (2,) and trainer.steps == 20
    assert not np.allclose(field.level.numpy(), 0.5)


def test_other_threads_run_during_a_step() -> None:
    counted = 0
    done = threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.is_set():
            counted += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    trainer = trainer_of(render.fields.NGP(grid=SMALL_GRID))
    before = counted
    for _ in range(20):
        trainer.step(0)
    done.set()
    thread.join()
    assert counted > before


@every_field
def test_ctrl_c_ends_a_run_between_two_steps_or_in_the_field(make: Callable[[int], Any]) -> None:
    trainer = trainer_of(make(0))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            trainer.run(render.Budget(seconds=60))
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)
    steps = trainer.steps
    assert np.isfinite(trainer.step(0).loss) and trainer.steps == steps + 1


def test_a_trainer_lets_its_field_go() -> None:
    import weakref

    field = Blob()
    seen = weakref.ref(field)
    trainer = trainer_of(field)
    trainer.step(0)
    scene = trainer.scene()
    assert scene.field is field
    del field, trainer
    gc.collect()
    assert seen() is scene.field
    del scene
    gc.collect()
    assert seen() is None


def test_the_example_trains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(__file__).parents[1] / "examples" / "field_in_python.py"
    spec = importlib.util.spec_from_file_location("field_in_python", file)
    assert spec is not None and spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    ndl.set_num_threads(1)
    saved = tmp_path / "model.safetensors"
    assert example.main(render.Budget(steps=40), shown=1, downscale=4, file=saved) > 14
    assert "40 steps, PSNR" in capsys.readouterr().out
    assert saved.is_file()
