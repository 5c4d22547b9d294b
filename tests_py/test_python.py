"""Everyday Python with tensors: formats, NumPy's functions, copies, states to save and load, wrong arguments."""

from __future__ import annotations

import copy
import inspect
import io
import json
import math
import pickle
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest
from needlecpp import nn


def test_formats() -> None:
    loss = (ndl.Tensor([1.0, 2.0], requires_grad=True) ** 2).sum()
    assert f"{loss:.3f}" == "5.000"
    assert f"{ndl.tensor(3):>6}|{ndl.tensor(255):x}" == "     3|ff"
    assert f"{ndl.tensor(0.5):e}" == "5.000000e-01"
    assert f"{ndl.tensor(True)!s:>6}"
    assert f"{loss}" == format(loss) == str(loss)
    assert f"{ndl.ones(2)}" == "tensor([1., 1.])"
    for several in (ndl.ones(2), ndl.ones(1), ndl.ones(0)):
        with pytest.raises(TypeError, match=r"\[format\] not a single value: got shape"):
            f"{several:.2f}"


def test_conversions() -> None:
    x = ndl.tensor(2.25)
    assert (float(x), int(x), bool(x), complex(x), math.sqrt(x)) == (2.25, 2, True, 2.25 + 0j, 1.5)
    assert (math.floor(x), math.ceil(x), math.trunc(-x), round(x, 1).item()) == (2, 3, -2, pytest.approx(2.2))
    assert [10, 20, 30][ndl.tensor(1)] == 20
    assert list(range(ndl.tensor(3))) == [0, 1, 2]
    quotient, rest = divmod(ndl.tensor([7, -7]), 4)
    assert (quotient.tolist(), rest.tolist()) == ([1, -2], [3, 1])
    assert abs(ndl.tensor(-2)).item() == 2
    with pytest.raises(TypeError, match="JSON serializable"):
        json.dumps(x)
    assert json.dumps(x.item()) == "2.25"


def test_truth() -> None:
    assert ndl.tensor([3]) and not ndl.tensor(0.0)
    for x in (ndl.ones(2), ndl.ones(0)):
        with pytest.raises(
            ValueError, match=r"\[bool\] the truth value .* ambiguous: got shape .* Use .any\(\) or .all\(\)"
        ):
            bool(x)


def test_containers() -> None:
    x, y = ndl.tensor([1.0, 2.0]), ndl.tensor([3.0, 4.0])
    assert 2 in x and 5 not in x and 1.0 in ndl.ones(2, 2) and 3 not in ndl.ones(0)
    assert sum([x, y]).tolist() == [4.0, 6.0]
    first, second = x
    assert max(first, second).item() == 2
    assert [t.item() for t in sorted([*y, *x])] == [1.0, 2.0, 3.0, 4.0]
    names = {x: "x", y: "y"}
    assert names[x] == "x" and len({x, y, x}) == 2
    x += y
    assert names[x] == "x"
    assert x[np.int64(1)].item() == 6 and x[: np.int32(1)].shape == (1,)


def test_copies() -> None:
    x = ndl.Tensor([1.0, 2.0], requires_grad=True)
    for again in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert again is not x and again.tolist() == x.tolist() and again.requires_grad
    both = copy.deepcopy([x, x])
    assert both[0] is both[1]


UFUNCS = [f for name in dir(np) if isinstance(f := getattr(np, name), np.ufunc) and f.nout == 1 and f.nin <= 2]


@pytest.mark.parametrize("ufunc", dict.fromkeys(UFUNCS), ids=lambda f: f.__name__)
def test_ufuncs(ufunc: np.ufunc) -> None:
    rng = np.random.default_rng(0)
    for dtype in ("float64", "int64"):
        arrays = [rng.uniform(1, 4, (3, 3)).astype(dtype) for _ in range(ufunc.nin)]
        if (ufunc.__name__, dtype) == ("reciprocal", "int64"):
            continue  # whole in NumPy, floats here
        try:
            with np.errstate(all="ignore"):
                want = ufunc(*arrays)
        except TypeError:
            continue
        if want.dtype.kind not in "bif":
            continue
        tensors = [ndl.tensor(a) for a in arrays]
        for given in (tensors, [arrays[0], *tensors[1:]], [tensors[0], *arrays[1:]]):
            if not any(isinstance(x, ndl.Tensor) for x in given):
                continue
            with np.errstate(all="ignore"):
                got = np.asarray(ufunc(*given))
            np.testing.assert_allclose(got, want, rtol=1e-5, err_msg=f"{ufunc} {dtype}")


def test_gradients_flow_through_ufuncs() -> None:
    x = ndl.Tensor([0.5, 1.0], dtype="float64", requires_grad=True)
    a = np.array([2.0, 3.0])
    y = np.sin(x) * a + np.multiply(a, x) + np.exp(x) - a / x
    assert isinstance(y, ndl.Tensor) and isinstance(a @ x, ndl.Tensor) and isinstance(a < x, ndl.Tensor)
    y.sum().backward()
    v = x.numpy()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), np.cos(v) * a + a + np.exp(v) + a / v**2)


def test_numpys_other_functions_see_arrays() -> None:
    x, a = ndl.tensor([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 4.0]], "f4")
    assert np.sum(x) == 10 and np.mean(x, axis=0).tolist() == [2.0, 3.0] and np.median(x) == 2.5
    assert np.concatenate([x, x]).shape == (4, 2) and isinstance(np.stack([x, a]), np.ndarray)
    assert np.array_equal(x, a) and np.allclose(x, a) and np.shape(x) == (2, 2) and np.linalg.norm(x) > 5
    assert np.where(x > 2, x, 0).tolist() == [[0.0, 0.0], [3.0, 4.0]]
    assert np.add.reduce(x).tolist() == [4.0, 6.0]
    np.testing.assert_allclose(x, a)
    np.save(io.BytesIO(), x)
    w = ndl.Tensor(a, requires_grad=True)
    for call in (
        lambda: np.sum(w),
        lambda: np.concatenate([a, w]),
        lambda: np.add.reduce(w),
        lambda: np.add(a, w, out=a),
    ):
        with pytest.raises(TypeError, match=r"\[numpy\.\w+\] a tensor whose gradient would be lost"):
            call()
    assert np.allclose(w, a) and np.argmax(w) == 3 and np.sum(w.detach()) == 10
    with ndl.no_grad():
        assert np.sum(w) == 10


def test_arrays_are_edited_by_tensors() -> None:
    a = np.array([1.0, 2.0])
    alias = a
    a += ndl.tensor([1.0, 1.0])
    assert a is alias and alias.tolist() == [2.0, 3.0]
    with pytest.raises(TypeError, match="gradient would be lost"):
        a += ndl.Tensor([1.0, 1.0], requires_grad=True)


def test_arrays_without_copies() -> None:
    x = ndl.ones(2)
    assert np.shares_memory(np.asarray(x), x.numpy()) and np.shares_memory(x.__array__(copy=False), x.numpy())
    assert not np.shares_memory(x.__array__(copy=True), x.numpy())
    with pytest.raises(ValueError, match=r"\[array\] needs a copy"):
        x.__array__("float64", copy=False)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(2, 3)
        self.b = nn.Linear(3, 1)
        self.tied = self.a


def test_modules_are_copied_whole() -> None:
    net = Net()
    net.b.weight.requires_grad = False
    net.b.eval()
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert again.tied is again.a and again.a is not net.a
        assert not again.b.weight.requires_grad and again.b.bias.requires_grad
        assert again.training and not again.b.training
        assert isinstance(again.b.weight, nn.Parameter)
        for name, value in net.state_dict().items():
            assert again.state_dict()[name].tolist() == value.tolist()


def test_modules_without_super_init_and_with_states_of_their_own() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(1, 1)
            self.cache = object()

        def __getstate__(self) -> dict[str, Any]:
            return {k: v for k, v in super().__getstate__().items() if k != "cache"}

        def __setstate__(self, state: dict[str, Any]) -> None:
            super().__setstate__(state)
            self.cache = object()

    net = Plain()
    assert net.training and len(net.parameters()) == 2
    assert not net.eval().training
    again = copy.deepcopy(net)
    assert not again.training and again.cache is not net.cache


def test_states_of_modules() -> None:
    net = nn.Linear(2, 2)
    lists = {"weight": [[1, 2], [3, 4]], "bias": np.array([[0.5, 0.25]])}
    assert net.load_state_dict(lists) == ([], [])
    assert net.weight.tolist() == [[1.0, 2.0], [3.0, 4.0]] and net.bias.tolist() == [[0.5, 0.25]]
    with pytest.raises(KeyError, match=r"missing bias; unexpected scale"):
        net.load_state_dict({"weight": lists["weight"], "scale": 1})
    keys = net.load_state_dict({"bias": [[7, 8]], "scale": 1}, strict=False)
    assert (keys.missing_keys, keys.unexpected_keys) == (["weight"], ["scale"])
    assert net.bias.tolist() == [[7.0, 8.0]] and net.weight.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    for bad, error in (
        ({**lists, "bias": "text"}, TypeError),
        ({**lists, "bias": [[1], [2, 3]]}, ValueError),
        ({**lists, "bias": [1, 2]}, ValueError),
        ([1, 2], TypeError),
    ):
        with pytest.raises(error, match=r"\[load_state_dict\]"):
            net.load_state_dict(bad)  # type: ignore[arg-type]
    assert net.bias.tolist() == [[7.0, 8.0]]
    exact = nn.Linear(1, 1, bias=False, dtype="float64")
    exact.load_state_dict({"weight": [[0.1]]})
    assert exact.weight.item() == 0.1


OPTIMIZERS = {
    "SGD": lambda p: ndl.optim.SGD(p, 0.1),
    "SGD with momentum": lambda p: ndl.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01),
    "Adam": lambda p: ndl.optim.Adam(p, 0.1, beta2=0.99, weight_decay=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_from_a_state(name: str) -> None:
    def train(net: nn.Module, optimizer: ndl.optim.Optimizer, steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            (net(ndl.ones(4, 2)) ** 2).sum().backward()
            optimizer.step()

    net = nn.Linear(2, 2)
    optimizer = OPTIMIZERS[name](net.parameters())
    train(net, optimizer, 3)
    saved = pickle.loads(pickle.dumps((net.state_dict(), optimizer.state_dict())))
    train(net, optimizer, 3)

    other = nn.Linear(2, 2)
    resumed = type(optimizer)(other.parameters())
    other.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    assert resumed.state_dict()["param_groups"] == optimizer.state_dict()["param_groups"]
    train(other, resumed, 3)
    for want, got in zip(net.parameters(), other.parameters(), strict=True):
        assert want.tolist() == got.tolist()
    copied = copy.deepcopy((net, optimizer))
    assert copied[1].params[0] is copied[0].weight  # type: ignore[attr-defined]


def test_states_of_optimizers_have_pytorchs_form() -> None:
    p = nn.Parameter([1.0, 2.0])
    adam = ndl.optim.Adam([p])
    (p * p).sum().backward()
    adam.step()
    state = adam.state_dict()
    assert set(state) == {"state", "param_groups"} and set(state["state"][0]) == {"step", "exp_avg", "exp_avg_sq"}
    assert {"lr", "betas", "eps", "weight_decay", "params"} <= set(state["param_groups"][0])
    theirs = {
        "state": {0: {"step": np.float32(5), "exp_avg": [0.5, 0.25], "exp_avg_sq": np.array([1.0, 2.0])}},
        "param_groups": [
            {
                "lr": 0.5,
                "betas": (0.8, 0.9),
                "eps": 1e-6,
                "weight_decay": 0,
                "amsgrad": False,
                "maximize": False,
                "foreach": None,
                "params": [0],
            }
        ],
    }
    adam.load_state_dict(theirs)
    assert (adam.lr, adam.beta1, adam.beta2, adam.eps, adam.t) == (0.5, 0.8, 0.9, 1e-6, 5)
    assert adam.state[0]["exp_avg"].tolist() == [0.5, 0.25]
    group = theirs["param_groups"][0]
    for bad, error in (
        ({"state": {}}, KeyError),
        ({**theirs, "param_groups": [{**group, "params": [0, 1]}]}, ValueError),
        ({**theirs, "param_groups": [{**group, "amsgrad": True}]}, ValueError),
        ({**theirs, "param_groups": [{**group, "speed": 1}]}, KeyError),
        ({**theirs, "state": {0: {"step": 1, "exp_avg": [1.0, 2.0]}}}, KeyError),
        ({**theirs, "state": {0: {**theirs["state"][0], "exp_avg": [1.0]}}}, ValueError),
        ({**theirs, "state": {4: theirs["state"][0]}}, KeyError),
    ):
        with pytest.raises(error, match=r"\[Adam.load_state_dict\]"):
            adam.load_state_dict(bad)  # type: ignore[arg-type]
    assert adam.lr == 0.5 and adam.t == 5


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ndl.zeros(2).add("text"), r"\[tensor\] not numbers: got str"),
        (lambda: ndl.Tensor(), r"\[Tensor\] argument 1 \(array\) is missing: got none, expected a value\."),
        (lambda: ndl.Tensor(None), r"\[Tensor\] argument 1 \(array\): got None, expected a value\."),
        (lambda: ndl.exp("x"), r"\[exp\] argument 1 \(a\): got str, expected a Tensor\."),
        (lambda: ndl.exp(), r"\[exp\] argument 1 \(a\) is missing: got none, expected a Tensor\."),
        (lambda: ndl.exp(ndl.ones(2), 3), r"\[exp\] too many arguments: got 2, expected at most 1 \(a\)\."),
        (lambda: ndl.exp(ndl.ones(2), speed=1), r"\[exp\] no such argument: got speed=, expected of: a\."),
        (lambda: ndl.exp(ndl.ones(2), a=1), r"\[exp\] .*: got .*, expected .*\."),
        (lambda: ndl.sum(ndl.ones(2), keepdims="yes"), r"\[sum\] argument \d \(keepdims\): got str, expected a bool\."),
        (lambda: ndl.manual_seed("one"), r"\[manual_seed\] argument 1 \(seed\): got str, expected an integer\."),
        (lambda: ndl.manual_seed(2**70), r"\[manual_seed\] argument 1 \(seed\): got an integer beyond 64 bits"),
        (
            lambda: ndl.Tensor([1.0], requires_grad="no"),
            r"\[Tensor\] argument \d \(requires_grad\): got str, expected a bool",
        ),
        (lambda: ndl.concat(3), r"\[tensors\] not a sequence of tensors: got int, expected "),
        (lambda: setattr(ndl.ones(2), "grad", "text"), r"\[\w*\] argument 1 .*: got str, expected a Tensor or None\."),
        (
            lambda: ndl.ones(2).backward(retain_graph=3),
            r"\[backward\] argument \d \(retain_graph\): got int, expected a bool",
        ),
    ],
)
def test_wrong_arguments_are_answered_by_a_sentence(call: Any, sentence: str) -> None:
    with pytest.raises(TypeError, match="^" + sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_no_function_answers_by_a_list_of_signatures() -> None:
    class Nothing:
        """Of no kind that a function takes."""

    from needlecpp import _core

    modules = (_core, _core.ops, _core.functional)
    functions = {f for module in modules for f in vars(module).values() if type(f).__name__ == "nb_func"}
    methods = [f for name, f in vars(ndl.Tensor).items() if type(f).__name__ == "nb_method" and name != "__init__"]
    assert len(functions) > 300 and len(methods) > 200
    for function in [*functions, *methods]:
        leading = [ndl.ones(2)] if function in methods else []
        for arguments in ([Nothing()] * 40, [Nothing()], [Nothing(), Nothing()], []):
            try:
                function(*leading, *arguments)
            except Exception as error:
                text = str(error)
                assert "incompatible function arguments" not in text, (function.__name__, text)
                assert text.count("\n") < 3 and inspect.cleandoc(text), function.__name__


@pytest.mark.parametrize("module", [ndl, ndl.ops, ndl.nn.functional, ndl.linalg, ndl.fft], ids=lambda m: m.__name__)
def test_names_are_there_to_be_listed_and_imported(module: Any) -> None:
    imported: dict[str, Any] = {}
    exec(f"from {module.__name__} import *", imported)
    names = set(imported) - {"__builtins__"}
    assert names == set(module.__all__) and len(names) == len(module.__all__)
    assert names <= set(dir(module))
