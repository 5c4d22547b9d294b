"""Devices: names, the default, moving, and what becomes of tensors on a device that this machine has not.

Such a tensor is made of one here, by saying so (``_core._said_to_be_on``): its memory is the host's, and whoever reads
or writes it gives itself away. The walks go over the rows of the op table and over all public functions, with the
arguments of ``argument_table.py``. What ops make of tensors on another device that is there is seen on CARD, where
test_ops.py runs, too.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import needlecpp as ndl
import numpy as np
import pytest
from argument_table import ELSEWHERE as NO_ARGUMENTS
from conftest import CARD
from needlecpp import _core, nn
from op_table import OPS, Op
from test_arguments import PUBLIC, fresh, invoke, required, signatures, taking

ABSENT = ndl.cuda(999)
MIXED = r"^\[[\w.]+\] tensors on different devices: got .*, expected .*\. "
MISSING = r"^\[[\w.]+\] device not available: got cuda:999, expected cpu\. "
NOT_HERE = r"^\[[\w.]+\] memory of another device: got a tensor on cuda:999, expected cpu\. Copy it with cpu\(\)\."


def absent(x: Any) -> Any:
    """The same on the device that is not there, in lists and tuples too."""
    if isinstance(x, ndl.Tensor):
        return _core._said_to_be_on(x.detach(), ABSENT).requires_grad_(x.requires_grad)
    if isinstance(x, (list, tuple)) and type(x) in (list, tuple):
        return type(x)(absent(item) for item in x)
    return x


def tensors(value: Any) -> Iterator[ndl.Tensor]:
    if isinstance(value, ndl.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors(item)


@pytest.fixture
def absent_default() -> Iterator[None]:
    """The default device is one that is not there: what asks for it fails."""
    before = _core._exchange_default_device(ABSENT)
    yield
    _core._exchange_default_device(before)


def test_names() -> None:
    assert ndl.Device("cpu") == ndl.cpu() == "cpu" != ndl.cuda()
    assert ndl.Device("cuda") == ndl.Device("cuda", 0) == ndl.cuda(0) == "cuda:0"
    assert ndl.Device(ndl.cuda(3)) == ndl.Device("cuda:3") == ndl.Device("cuda", 3)
    assert (ndl.cpu().type, ndl.cpu().index, ndl.cuda(3).type, ndl.cuda(3).index) == ("cpu", None, "cuda", 3)
    assert repr(ndl.cuda(3)) == str(ndl.cuda(3)) == "cuda:3"
    assert len({ndl.cpu(), ndl.Device("cpu"), ndl.cuda(1), ndl.Device("cuda:1")}) == 2
    assert pickle.loads(pickle.dumps(ndl.cuda(2))) == copy.deepcopy(ndl.cuda(2)) == ndl.cuda(2)
    assert ndl.cpu().enabled()


@pytest.mark.parametrize("name", ["", "tpu", "CPU", "cuda:", "cuda:-1", "cuda:x", "cuda:1:2", "cuda:99999999999"])
def test_unknown_names(name: str) -> None:
    unknown = r'^\[device\] unknown device: got ".*", expected "cpu", "cuda" or "cuda:1"\.'
    calls: list[Callable[[], Any]] = [
        lambda: ndl.Device(name),
        lambda: ndl.zeros(2, device=name),
        lambda: ndl.tensor([1.0], device=name),
        lambda: ndl.set_default_device(name),
        lambda: ndl.ones(2).to_device(name),
        lambda: ndl.ones(2).to(device=name),
        lambda: nn.Linear(2, 1, device=name),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=unknown):
            call()
    with pytest.raises((TypeError, ValueError), match=r"^\[(to|device)\] (neither a dtype nor a|unknown) device: got "):
        nn.Linear(2, 1).to(name)


@pytest.mark.parametrize("device", [3, 2.5, b"cpu", ["cpu"], object(), ndl.zeros(1)])
def test_no_devices(device: Any) -> None:
    for call in (
        lambda: ndl.Device(device),
        lambda: ndl.zeros(2, device=device),
        lambda: ndl.set_default_device(device),
        lambda: ndl.ones(2).to_device(device),
        lambda: ndl.ones(2).to(device=device),
    ):
        with pytest.raises(TypeError, match=r"^\[device\] not a device: got \w+, expected a Device or the name of one"):
            call()


def test_bad_numbers_of_cards() -> None:
    for call in (lambda: ndl.cuda(-1), lambda: ndl.Device("cuda", -1), lambda: ndl.ones(2).cuda(2**40)):
        with pytest.raises(ValueError, match=r"^\[cuda\] bad number of a card: got "):
            call()
    with pytest.raises(ValueError, match=r"^\[cuda\] not a card: got cpu, expected cuda"):
        ndl.ones(2).cuda("cpu")
    with pytest.raises(ValueError, match=r"^\[device\] a number beside a device that has none: got cpu and 1"):
        ndl.Device("cpu", 1)
    with pytest.raises(TypeError, match=r"^\[cuda\] argument 1 \(index\): got str, expected an integer"):
        ndl.cuda("1")


@pytest.mark.parametrize("device", ["cuda:999", ABSENT])
def test_a_device_that_is_not_there(device: Any) -> None:
    x = ndl.ones(2)
    layer = nn.Linear(2, 1)
    before = layer.state_dict()
    for call in (
        lambda: ndl.zeros(2, device=device),
        lambda: ndl.zeros(0, device=device),
        lambda: ndl.tensor(x, device=device),
        lambda: ndl.asarray(np.ones(2), device=device),
        lambda: x.to(device),
        lambda: x.to(device, "float64"),
        lambda: x.to(device=device, copy=True),
        lambda: x.cuda(999),
        lambda: x.to_device(device),
        lambda: layer.to(device),
        lambda: layer.to(device=device, dtype="float64"),
        lambda: layer.cuda(999),
        lambda: ndl.Device(device).__enter__(),
        lambda: ndl.set_default_device(device),
        lambda: nn.Linear(2, 1, device=device),
        lambda: ndl.init.kaiming_uniform(2, 2, device=device),
        lambda: x.__array_namespace__().ones(2, device=device),
        lambda: x.__array_namespace__().astype(x, "float64", device=device),
    ):
        with pytest.raises(ValueError, match=MISSING):
            call()
    assert ndl.default_device() == "cpu"
    assert all(value.dtype == "float32" and value.device == "cpu" for value in layer.state_dict().values())
    assert before.keys() == layer.state_dict().keys()


def test_the_default_device() -> None:
    assert ndl.default_device() == ndl.cpu()
    with ndl.cpu() as outer, ndl.Device("cpu") as inner:
        assert outer == inner == ndl.default_device() == ndl.zeros(1).device
    with pytest.raises(KeyError), ndl.cpu():
        raise KeyError
    ndl.set_default_device("cpu")
    ndl.set_default_device(None)
    assert ndl.default_device() == ndl.cpu()
    assert ndl.zeros(1).__array_namespace__().__array_namespace_info__().default_device() == ndl.cpu()


def test_the_default_device_is_the_threads(absent_default: None) -> None:
    assert ndl.default_device() == ABSENT
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append((ndl.default_device(), ndl.zeros(1).device)))
    thread.start()
    thread.join()
    assert found == [(ndl.cpu(), ndl.cpu())]
    with ndl.cpu():
        assert ndl.zeros(1).device == "cpu"
    assert ndl.default_device() == ABSENT


LIKE = {"zeros_like", "ones_like", "empty_like", "full_like", "one_hot", "from_dlpack", "astype", "to"}


@pytest.mark.parametrize("function", sorted(taking("device")))
def test_the_default_is_where_new_tensors_go(function: str, absent_default: None) -> None:
    """Unless a device is named, or there is a tensor or array to be beside."""
    name = function.split(".")[-1]
    for parameters in signatures(PUBLIC[function]):
        base = {key: value for key, value in required(function, parameters).items() if key != "device"}
        if any(p.name == "device" and p.required for p in parameters):
            continue
        beside = name in LIKE or (
            name in {"tensor", "asarray", "Parameter"} and any(True for _ in tensors(list(base.values())))
        )
        if function == "Tensor.cuda":
            continue
        if beside:
            assert {x.device for x in tensors(invoke(PUBLIC[function], parameters, base))} <= {ndl.cpu()}
        else:
            with pytest.raises(ValueError, match=MISSING):
                invoke(PUBLIC[function], parameters, base)
        made = invoke(PUBLIC[function], parameters, base | {"device": "cpu"})
        assert {x.device for x in tensors(made)} <= {ndl.cpu()}


def test_numbers_and_lists_come_to_the_tensor(absent_default: None) -> None:
    x = ndl.tensor([[1.0, 2.0], [3.0, 4.0]], device="cpu")
    whole = ndl.arange(4, device="cpu")
    assert (x + 1).tolist() == (1 + x).tolist() == (x + np.float32(1)).tolist() == [[2.0, 3.0], [4.0, 5.0]]
    assert (2**x).tolist() == [[2.0, 4.0], [8.0, 16.0]]
    assert (whole * 2 == 4).tolist() == [False, False, True, False]
    assert (whole + 0.5).tolist() == [0.5, 1.5, 2.5, 3.5]
    assert (x > 2.5).tolist() == [[False, False], [True, True]]
    assert x[[1, 0]].tolist() == [[3.0, 4.0], [1.0, 2.0]]
    x[[0]] = [7, 8]
    x[1, 1] = np.float64(9)
    assert x.tolist() == [[7.0, 8.0], [3.0, 9.0]]
    assert ndl.where(x > 7, x, 0.0).tolist() == [[0.0, 8.0], [0.0, 9.0]]
    assert 8 in x
    assert x.fill_(3).clip(min=4).tolist() == [[4.0, 4.0], [4.0, 4.0]]
    assert ndl.isin(whole, [1, 2]).tolist() == [False, True, True, False]
    assert ndl.take(whole, [3, 0]).tolist() == [3, 0]
    assert ndl.linalg.matrix_rank(ndl.eye(2, device="cpu"), 0.5).item() == 2


def make_on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tensors that rows of the table make for themselves, without a word on devices."""
    for name in taking("device"):
        if "." not in name and not name.endswith("_like"):
            fn = getattr(ndl, name)
            monkeypatch.setattr(ndl, name, lambda *args, fn=fn, **kwargs: fn(*args, **{"device": "cpu"} | kwargs))


@pytest.mark.parametrize("op", [op for op in OPS if op.shapes], ids=lambda op: op.name)
def test_results_are_beside_their_inputs(op: Op, absent_default: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the default is, and so are all tensors on the way, of the gradients too."""
    make_on_cpu(monkeypatch)
    inputs = [ndl.tensor(a, requires_grad=op.differentiable) for a in op.inputs()]
    y = op.fn(*inputs)
    assert {x.device for x in tensors(y)} <= {ndl.cpu()}
    if not op.differentiable:
        return
    loss = sum((x * x).sum() for x in tensors(y) if x.requires_grad)
    first = ndl.grad(loss, inputs, create_graph=op.twice)
    if op.twice:
        again = sum((g * g).sum() for g in tensors(list(first)))
        if again.requires_grad:
            again.backward()


@pytest.mark.parametrize("op", [op for op in OPS if len(op.shapes) > 1], ids=lambda op: op.name)
def test_mixed_devices(op: Op) -> None:
    for place in range(len(op.shapes)):
        inputs = [ndl.tensor(a, requires_grad=op.differentiable) for a in op.inputs()]
        inputs[place] = inputs[place].to(CARD)
        with pytest.raises(TypeError, match=MIXED):
            op.fn(*inputs)


def reads_nothing(op: Op) -> bool:
    """Whether a row makes what it makes, whatever it is given."""
    with contextlib.suppress(Exception):
        op.fn(*(None for _ in op.shapes))
        return True
    return False


def check_refused(call: Callable[[], Any], given: list[ndl.Tensor]) -> None:
    """One clear error, or a result that is there too (a view), and nothing read or written."""
    before = [bytes_of(x) for x in given]
    told = "[a view] of a device"
    try:
        result = call()
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        told = str(error)
    else:
        for x in tensors(result):
            assert x.device == ABSENT
            with pytest.raises(TypeError, match=NOT_HERE):
                x.numpy()
    assert told.startswith("[")
    assert "device" in told
    assert before == [bytes_of(x) for x in given]


def bytes_of(x: ndl.Tensor) -> bytes:
    return _core._said_to_be_on(x.detach(), ndl.cpu()).contiguous().numpy().tobytes()


@pytest.mark.parametrize("op", OPS, ids=[op.name for op in OPS])
def test_all_on_a_device_that_is_not_there(op: Op) -> None:
    if reads_nothing(op):
        return
    for grad in (False, True):
        inputs = [absent(ndl.tensor(a, requires_grad=grad and op.differentiable)) for a in op.inputs()]
        check_refused(functools.partial(op.fn, *inputs), inputs)


# Of the shapes, dtypes or addresses of tensors, not of what is in them.
UNREAD = {
    "broadcast_shapes",
    "can_cast",
    "data_ptr",
    "dim",
    "element_size",
    "expand_as",
    "finfo",
    "iinfo",
    "is_compact",
    "is_contiguous",
    "is_floating_point",
    "is_leaf",
    "isdtype",
    "ndimension",
    "numel",
    "promote_types",
    "register_hook",
    "reshape_as",
    "result_type",
    "retain_grad",
    "size",
    "stride",
    "view_as",
}


@pytest.mark.parametrize("function", sorted(set(PUBLIC) - set(NO_ARGUMENTS)))
def test_every_public_function(function: str) -> None:
    """With its tensors elsewhere, one at a time and all together."""
    fn = PUBLIC[function]
    if function.split(".")[-1] in UNREAD:
        return
    for parameters in signatures(fn):
        base = required(function, parameters)
        given = [name for name, value in base.items() if any(True for _ in tensors(value))]
        for names in [[name] for name in given] + [given] * (len(given) > 1):
            values = {name: absent(fresh(value)) if name in names else fresh(value) for name, value in base.items()}
            everything = list(tensors(list(values.values())))
            if everything:
                check_refused(functools.partial(invoke, fn, parameters, values), everything)


def test_reading_a_tensor_that_is_elsewhere(tmp_path: Any) -> None:
    x = absent(ndl.tensor([1.0, 2.0]))
    one = absent(ndl.tensor([3.0]))
    assert (x.device, x.shape, x.dtype, x.nbytes, len(x)) == (ABSENT, (2,), "float32", 8, 2)
    assert x.__dlpack_device__() == (2, 999)
    for call, error, message in [
        (lambda: x.numpy(), TypeError, NOT_HERE),
        (lambda: np.asarray(x), TypeError, NOT_HERE),
        (lambda: x.__dlpack__(), TypeError, NOT_HERE),
        (lambda: np.from_dlpack(x), (TypeError, BufferError), "device"),
        (lambda: one.item(), ValueError, MISSING),
        (lambda: float(one), ValueError, MISSING),
        (lambda: int(one), ValueError, MISSING),
        (lambda: bool(one), ValueError, MISSING),
        (lambda: complex(one), ValueError, MISSING),
        (lambda: f"{absent(ndl.tensor(1.0)):.2f}", ValueError, MISSING),
        (lambda: x.tolist(), ValueError, MISSING),
        (lambda: repr(x), ValueError, MISSING),
        (lambda: 1.0 in x, ValueError, MISSING),
        (lambda: pickle.dumps(x), ValueError, MISSING),
        (lambda: copy.deepcopy(x), ValueError, MISSING),
        (lambda: x.cpu(), ValueError, MISSING),
        (lambda: x.to("cpu"), ValueError, MISSING),
        (lambda: x.clone(), ValueError, MISSING),
        (lambda: ndl.asarray(x, dtype="float64"), ValueError, MISSING),
        (lambda: ndl.tensor(x), ValueError, MISSING),
        (lambda: x[0], ValueError, MISSING),
        (lambda: x[ndl.tensor([0])], (TypeError, ValueError), "device"),
        (lambda: ndl.ones(2)[absent(ndl.tensor([0]))], TypeError, MIXED),
        (lambda: x[ndl.tensor([True, False])], (TypeError, ValueError), "device"),
        (lambda: _core.save_safetensors(str(tmp_path / "x"), {"x": x}), TypeError, "expected cpu"),
        (lambda: nn.Parameter([1.0, 2.0]).__setattr__("grad", x), TypeError, "different devices"),
        (lambda: nn.Parameter([1.0, 2.0]).__setattr__("data", x), TypeError, MIXED),
        (
            lambda: nn.Linear(1, 2).load_state_dict({"weight": [[1.0, 2.0]], "bias": x.reshape(1, 2)}),
            ValueError,
            MISSING,
        ),
    ]:
        with pytest.raises(error, match=message):
            call()
    assert not list(tmp_path.iterdir())


def test_edits_on_mixed_devices() -> None:
    here, there = ndl.ones(2), ndl.zeros(2)
    away = absent(there)
    for call in (
        lambda: here.add_(away),
        lambda: away.add_(here),
        lambda: here.__iadd__(away),
        lambda: here.copy_(away),
        lambda: away.copy_(here),
        lambda: here.__setitem__(slice(None), away),
        lambda: here.__setitem__(absent(ndl.tensor([0])), 5.0),
        lambda: here.pow_(away),
        lambda: here.fill_(absent(ndl.tensor(1.0))),
    ):
        with pytest.raises(TypeError, match=MIXED):
            call()
    for call in (
        lambda: away.fill_(1),
        lambda: away.zero_(),
        lambda: away.add_(away),
        lambda: away.exp_(),
        lambda: away.__setitem__(0, 5.0),
        lambda: away.mul_(2.0),
    ):
        with pytest.raises(ValueError, match=MISSING):
            call()
    assert here.tolist() == [1.0, 1.0]
    assert there.tolist() == [0.0, 0.0]


def test_gradients_on_mixed_devices() -> None:
    x = ndl.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match=MIXED):
        (x * 2).backward(absent(ndl.ones(2)))
    y = (x * 2).sum()
    x.register_hook(lambda g: absent(g))
    with pytest.raises(TypeError, match=MIXED):
        y.backward()
    away = absent(ndl.ones(1)).requires_grad_()
    with pytest.raises(ValueError, match=MISSING):
        away.backward()
    assert x.grad is None
    assert away.grad is None


@pytest.mark.parametrize("optimizer", [ndl.optim.SGD, ndl.optim.Adam])
def test_steps_on_mixed_devices(optimizer: Any) -> None:
    parameter = nn.Parameter([1.0, 2.0])
    opt = optimizer([parameter], lr=0.1)
    (parameter * parameter).sum().backward()
    opt.step()
    before = parameter.tolist()
    for kept in opt.state.values():
        for name in list(kept):
            kept[name] = absent(kept[name])
    if opt.state:
        with pytest.raises(TypeError, match=r"different devices|devices differ"):
            opt.step()
    with pytest.raises(TypeError, match="different devices"):
        _core.sgd_step_(parameter, absent(ndl.ones(2)), None, 0.1, 0.0, 0.0)
    away = absent(ndl.ones(2))
    with pytest.raises(ValueError, match=MISSING):
        _core.sgd_step_(away, away, None, 0.1, 0.0, 0.0)
    assert parameter.tolist() == before


def test_to() -> None:
    x = ndl.tensor([1.5, 2.5], requires_grad=True)
    assert x.to("cpu") is x.to(ndl.cpu()) is x.to("float32") is x.to(x) is x.to() is x.cpu() is x
    assert x.to_device("cpu") is x
    for y in (x.to("float64"), x.to("cpu", "float64"), x.to(dtype="float64", device="cpu"), x.to(np.float64)):
        assert (y.dtype, y.device, y.requires_grad) == ("float64", "cpu", True)
    assert x.to(ndl.zeros(1, dtype="int64")).tolist() == [1, 2]
    copied = x.to("cpu", copy=True)
    copied.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    assert not np.shares_memory(copied.detach().numpy(), x.detach().numpy())
    assert x.to("float64", copy=True, non_blocking=True).tolist() == [1.5, 2.5]
    with pytest.raises(TypeError, match=r'^\[to\] neither a dtype nor a device: got "tpu", expected the name of one'):
        x.to("tpu")


def test_modules_move_in_place(tmp_path: Any) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    parameters = net.parameters()
    opt = ndl.optim.Adam(parameters, lr=0.1)
    net(ndl.ones(2, 3)).sum().backward()
    assert net.to("float64") is net
    assert [p is q for p, q in zip(parameters, net.parameters(), strict=True)] == [True] * 4
    assert {(p.dtype, p.grad.dtype, p.requires_grad, p.is_leaf()) for p in parameters} == {
        ("float64", "float64", True, True)
    }
    opt.step()  # its moments are made now
    net.to("float32")
    net(ndl.ones(2, 3)).sum().backward()
    with pytest.raises(TypeError, match=r"^\[adam_step_\] wrong dtype"):
        opt.step()
    opt.load_state_dict(opt.state_dict())
    opt.step()
    assert net.to(ndl.zeros(1, dtype="bfloat16")).cpu().to(device="cpu", dtype="float32").parameters() == parameters
    with pytest.raises(TypeError, match=r"^\[to_\] parameters are floats: got int64"):
        net.to("int64")
    assert {p.dtype for p in parameters} == {"float32"}
    assert pickle.loads(pickle.dumps(net)).parameters()[0].device == "cpu"


def test_a_module_that_moved_after_the_forward_pass() -> None:
    layer = nn.Linear(2, 1)
    y = layer(ndl.ones(3, 2)).sum()
    layer.to("float64")
    with pytest.raises(RuntimeError, match=r"moved|forward pass"):
        y.backward()


def test_dlpack_of_another_device() -> None:
    class Foreign:
        """An array on a card, of another library."""

        def __init__(self, device: tuple[int, int]) -> None:
            self.device = device

        def __dlpack__(self, **kwargs: Any) -> Any:
            raise BufferError("the array is on a card")

        def __dlpack_device__(self) -> tuple[int, int]:
            return self.device

    for call in (ndl.from_dlpack, ndl.asarray, ndl.tensor, lambda array: ndl.ones(2) + ndl.asarray(array)):
        with pytest.raises(ValueError, match=MISSING):
            call(Foreign((2, 999)))
        with pytest.raises(
            TypeError, match=r"^\[dlpack\] memory of an unknown device: got DLPack's kind 10, expected 1"
        ):
            call(Foreign((10, 0)))


def test_to_a_card_and_back() -> None:
    x = ndl.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x.T.to(CARD)
    assert (y.device, y.tolist(), y.is_leaf()) == (CARD, [[1.0, 3.0], [2.0, 4.0]], False)
    assert repr(y.detach()).endswith(f", device='{CARD}')")
    assert y.to(CARD) is y.cuda(CARD) is y.cuda(ndl.Device(CARD).index) is y
    (y[0] * ndl.tensor([1.0, 10.0], device=CARD)).sum().cpu().backward()
    assert (x.grad.device, x.grad.tolist()) == ("cpu", [[1.0, 0.0], [10.0, 0.0]])
    again = pickle.loads(pickle.dumps(y.detach()))
    assert (again.device, again.tolist()) == (CARD, y.tolist())
    assert ndl.tensor(y).device == ndl.asarray(y).device == ndl.zeros_like(y).device == CARD
    assert ndl.tensor(y, device="cpu").device == "cpu"
    with pytest.raises(TypeError, match=r"^\[numpy\] memory of another device: got a tensor on cuda:"):
        y.numpy()
    with ndl.Device(CARD):
        assert ndl.asarray([1.0]).device == ndl.tensor(np.ones(1)).device == ndl.rand(2).device == CARD
        assert ndl.asarray(np.ones(1)).device == ndl.from_numpy(np.ones(1)).device == "cpu"
    with ndl.Device(CARD), ndl.cpu():
        assert ndl.rand(2).device == "cpu"


def test_what_is_no_tensor_comes_to_the_tensor() -> None:
    """Numbers, lists and arrays have no device of their own."""
    x = ndl.arange(6, device=CARD, dtype="float32").reshape(2, 3)
    row = np.array([1.0, 2.0, 3.0], "float32")
    assert (x + row).tolist() == (ndl.tensor(row, device=CARD) + x).tolist()
    assert x[np.array([1])].tolist() == x[[1]].tolist() == [[3.0, 4.0, 5.0]]
    x[0] = row
    x[1, np.array([True, False, True])] = [7, 9]
    assert x.tolist() == [[1.0, 2.0, 3.0], [7.0, 4.0, 9.0]]


def test_training_on_a_card() -> None:
    """Gives what the CPU gives."""
    losses = []
    for device in ("cpu", CARD):
        ndl.manual_seed(3)
        net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
        x, y = ndl.randn(16, 3).to(device), ndl.randn(16, 1).to(device)
        opt = ndl.optim.Adam(net.parameters(), lr=0.05)
        for _ in range(5):
            opt.zero_grad()
            loss = ((net(x) - y) ** 2).mean()
            loss.backward()
            opt.step()
        losses.append(loss.item())
        assert {p.grad.device for p in net.parameters()} == {loss.device} == {ndl.Device(device)}
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_optimizer_state_follows_by_its_state_dict() -> None:
    layer = nn.Linear(2, 1)
    opt = ndl.optim.Adam(layer.parameters())
    for device in (CARD, "cpu"):
        layer(ndl.ones(1, 2, device=layer.weight.device)).sum().backward()
        opt.step()
        layer.to(device)
        assert layer.weight.grad.device == device
        with pytest.raises(TypeError, match=MIXED):
            opt.step()
        opt.load_state_dict(opt.state_dict())
        opt.step()
