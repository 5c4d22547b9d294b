"""Tensors: exchange with NumPy and DLPack, indexing and assignment, memory, threads, random numbers."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import threading

import needlecpp as ndl
import numpy as np
import pytest
from needlecpp import nn


def test_construction_and_repr() -> None:
    assert ndl.Tensor([1, 2]).dtype == "float32"
    assert ndl.tensor(np.arange(3, dtype="int32")).dtype == "int32"
    assert ndl.tensor(np.arange(3, dtype="uint16")).dtype == "int64"
    assert ndl.tensor([1.5]).dtype == "float32"
    assert repr(ndl.tensor([[1, 2]])) == "tensor([[1, 2]], dtype=int64)"
    assert ndl.zeros(2, 3).shape == (2, 3) == ndl.zeros((2, 3)).shape
    assert len(ndl.zeros(2, 3)) == 2
    assert [row.tolist() for row in ndl.tensor([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    assert ndl.tensor(3).item() == 3
    assert isinstance(ndl.tensor(True).item(), bool)
    assert ndl.zeros(2).device == ndl.cpu() == "cpu"
    assert ndl.cpu().enabled() and not ndl.cuda().enabled()


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "int64", "uint8", "bool"])
def test_numpy_shares_memory_both_ways(dtype: str) -> None:
    array = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    shared = ndl.from_numpy(array)
    assert shared.dtype == dtype
    array[0, 1] = 0
    assert shared[0, 1].item() == 0
    back = shared.numpy()
    assert np.shares_memory(back, array)
    transposed = ndl.from_numpy(array.T)
    np.testing.assert_array_equal(transposed.numpy(), array.T)
    copied = ndl.Tensor(array, dtype=None)
    assert not np.shares_memory(copied.numpy(), array)
    np.testing.assert_array_equal(np.from_dlpack(shared), array)
    np.testing.assert_array_equal(np.asarray(shared), array)


def test_memory_outlives_its_owner() -> None:
    view = ndl.Tensor(np.ones((1000, 1000)))[5].numpy()
    shared = ndl.from_numpy(np.full(1000, 7.0))
    gc.collect()
    junk = [np.full(1000, 3.0) for _ in range(100)]
    assert view.sum() == 1000 and shared.sum().item() == 7000 and len(junk) == 100


def test_read_only_arrays_stay_unchanged() -> None:
    array = np.zeros(3, dtype="float32")
    array.flags.writeable = False
    shared = ndl.from_numpy(array)
    with pytest.raises(ValueError, match="read-only"):
        shared[0] = 1
    assert array[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        shared.numpy()[0] = 1


def test_bfloat16() -> None:
    x = ndl.Tensor([1.0, 1.00390625, 3.0], dtype="bfloat16")
    assert x.dtype == "bfloat16"
    assert x.numpy().tolist() == [1.0, 1.0, 3.0]
    assert (x * 2).dtype == "bfloat16"


def test_numpy_scalars_and_arrays_on_either_side() -> None:
    x = ndl.Tensor([1.0, 2.0])
    for two in (np.float32(2), np.float64(2), np.float16(2), np.int64(2), np.array(2.0)):
        assert (x * two).tolist() == (two * x).tolist() == [2.0, 4.0]
        assert (x * two).dtype == "float32"
        assert (two - x).tolist() == [1.0, 0.0]
    other = np.array([10.0, 20.0], "f4")
    assert (x + other).tolist() == (other + x).tolist() == [11.0, 22.0]
    assert (other - x).tolist() == [9.0, 18.0]
    with pytest.raises(TypeError):
        x + "text"  # type: ignore[operator]


def test_integers_are_exact() -> None:
    big = 2**60 + 1
    x = ndl.tensor([big])
    assert (x + 1).tolist() == [big + 1] and (1 - x).tolist() == [1 - big]
    assert not (ndl.tensor([2**53 + 1]) == 2**53).item()
    assert int(x) == big
    with pytest.raises(ValueError, match="NaN"):
        int(ndl.tensor(float("nan")))
    with pytest.raises(ValueError, match="out of range"):
        ndl.zeros(2**70)


def test_float_values_keep_their_bits() -> None:
    z = ndl.zeros(2, dtype="float64")
    z[0] = 0.1
    assert z[0].item() == 0.1
    assert ndl.where(z > 0, 0.3, z).tolist() == [0.3, 0.0]
    assert ndl.where(ndl.tensor([True]), 0.5, ndl.tensor([1])).tolist() == [0.5]


def test_arrays_of_any_layout() -> None:
    record = np.zeros(3, dtype=[("a", "u1"), ("f", "<f4")])
    record["f"] = [1, 2, 3]
    assert ndl.from_numpy(record["f"]).tolist() == [1, 2, 3]
    assert ndl.tensor(np.array([1.5, 2.5], ">f4")).tolist() == [1.5, 2.5]
    assert ndl.tensor(np.array([1, 2], ">i2")).tolist() == [1, 2]


def test_pickles_and_copies() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert isinstance(again.parameters()[0], nn.Parameter) and again.parameters()[0].requires_grad
        np.testing.assert_array_equal(again.parameters()[0].numpy(), net.parameters()[0].numpy())
        assert not np.shares_memory(again.parameters()[0].numpy(), net.parameters()[0].numpy())
    x = pickle.loads(pickle.dumps(ndl.Tensor([1.0, 3.0], dtype="bfloat16")))
    assert x.dtype == "bfloat16" and x.tolist() == [1.0, 3.0]


def test_dlpack_copies_when_asked() -> None:
    x = ndl.zeros(3)
    assert np.shares_memory(np.from_dlpack(x), x.numpy())
    assert not np.shares_memory(np.from_dlpack(x, copy=True), x.numpy())
    assert np.shares_memory(ndl.from_dlpack(x).numpy(), x.numpy())
    with pytest.raises(ValueError, match=r"\[dlpack\]"):
        x.__dlpack__(dl_device=(2, 0))


def test_truth_values_and_floats_as_index() -> None:
    x = ndl.zeros(3)
    for key in (True, np.array(True)):
        assert x[key].shape == (1, 3)
    assert x[False].shape == (0, 3)
    with pytest.raises((IndexError, TypeError)):
        x[np.array(1.7)]
    assert x[sys.maxsize :].shape == (0,) and x[: sys.maxsize].shape == (3,)


INDICES = [
    np.s_[1],
    np.s_[-1, ::2],
    np.s_[..., None, 1:3],
    np.s_[:, ::-1],
    np.s_[[0, 2, 2]],
    np.s_[[0, 1], [1, 2]],
    np.s_[:, [0, 2], None],
    np.s_[np.array([[0, 1], [2, 0]])],
    np.s_[np.array([True, False, True])],
    np.s_[1, [0, 1]],
    np.s_[[0, 1], :, [0, 1]],
    np.s_[np.ones((3, 4), dtype=bool), 1],
    np.s_[[]],
    np.s_[()],
]


@pytest.mark.parametrize("key", INDICES, ids=str)
def test_indexing_and_assignment_are_numpys(key: object) -> None:
    array = np.arange(60.0).reshape(3, 4, 5)
    x = ndl.tensor(array)
    np.testing.assert_array_equal(x[key].numpy(), array[key])  # type: ignore[index]
    array[key] = -1  # type: ignore[index]
    x[key] = -1.0
    np.testing.assert_array_equal(x.numpy(), array)


def test_views_share_memory() -> None:
    x = ndl.zeros(4, 6)
    for view in (
        x[1:3],
        x.T,
        x.reshape(2, 12),
        x.permute(1, 0),
        x[:, ::2],
        ndl.flip(x, 0),
        ndl.broadcast_to(x, (2, 4, 6)),
    ):
        assert np.shares_memory(view.numpy(), x.numpy())
    x[1:3][0, 2:4] = 5.0
    assert x.sum().item() == 10


def test_in_place_edits_are_checked() -> None:
    x = ndl.Tensor([1.0, 2.0], requires_grad=True)
    w = ndl.ones(2)
    y = (x * w).sum()
    w[0] = 3.0
    with pytest.raises(RuntimeError, match=r"\[mul\].*changed in place by"):
        y.backward()
    with pytest.raises(RuntimeError, match="in-place"):
        x[0] = 1.0
    with ndl.no_grad():
        x[0] = 5.0
    assert x.tolist() == [5.0, 2.0]


def test_memory_statistics_and_limit() -> None:
    before = ndl.memory_stats()["current"]
    x = ndl.zeros(1 << 20)
    assert ndl.memory_stats()["current"] - before == 4 << 20
    assert ndl.memory_stats()["peak"] >= before + (4 << 20)
    ndl.set_memory_limit(ndl.memory_stats()["current"] + 1000)
    try:
        with pytest.raises(MemoryError, match=r"\[exp\].*4194304 bytes.*expected at most"):
            ndl.exp(x)
    finally:
        ndl.set_memory_limit(0)
    del x
    assert ndl.memory_stats()["current"] == before


def test_random_numbers_do_not_depend_on_threads() -> None:
    draws = []
    for threads in (1, 2, 3):
        ndl.set_num_threads(threads)
        ndl.manual_seed(5)
        draws.append(np.concatenate([ndl.rand(100001).numpy(), ndl.randn(50001).numpy()]))
    ndl.set_num_threads(2)
    np.testing.assert_array_equal(draws[0], draws[1])
    np.testing.assert_array_equal(draws[0], draws[2])
    assert abs(draws[0][:100001].mean() - 0.5) < 0.005 and abs(draws[0][100001:].std() - 1) < 0.02


def test_python_threads_work_side_by_side() -> None:
    results: dict[int, float] = {}

    def work(k: int) -> None:
        total = 0.0
        for i in range(50):
            x = ndl.Tensor(np.full(1000, float(k + i)), requires_grad=True)
            (x * x).sum().backward()
            assert x.grad is not None
            total += x.grad.sum().item()
        results[k] = total

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {k: sum(2000.0 * (k + i) for i in range(50)) for k in range(8)}


def test_xor_is_learnt() -> None:
    ndl.manual_seed(1)
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1), nn.Sigmoid())
    x = ndl.Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = ndl.Tensor([[0], [1], [1], [0]])
    opt = ndl.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(300):
        loss = ((net(x) - y) ** 2).mean()
        opt.reset_grad()
        loss.backward()
        opt.step()
    assert loss.item() < 1e-2


def test_state_dict_round_trip() -> None:
    a, b = (nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)) for _ in range(2))
    assert sorted(a.state_dict()) == ["layers.0.bias", "layers.0.weight", "layers.2.bias", "layers.2.weight"]
    b.load_state_dict(a.state_dict())
    x = ndl.rand(5, 3)
    np.testing.assert_array_equal(a(x).numpy(), b(x).numpy())
    with pytest.raises(KeyError, match="missing"):
        b.load_state_dict({})
    with pytest.raises(ValueError, match="wrong shape"):
        b.load_state_dict({**a.state_dict(), "layers.0.bias": ndl.zeros(1, 5)})


def test_train_and_eval_reach_every_module() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))
    assert net.training
    net.eval()
    assert not any(m.training for m in net.modules())


def test_sgd_momentum_and_clipping() -> None:
    p = nn.Parameter([1.0, 2.0])
    opt = ndl.optim.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.01)
    u = np.zeros(2)
    expected = np.array([1.0, 2.0])
    for _ in range(3):
        opt.zero_grad()
        (p * p).sum().backward()
        opt.step()
        u = 0.9 * u + 0.1 * (2 * expected + 0.01 * expected)
        expected = expected - 0.1 * u
    np.testing.assert_allclose(p.numpy(), expected, rtol=1e-5)
    opt.zero_grad()
    (p * 100).sum().backward()
    norm = opt.clip_grad_norm(1.0)
    assert norm == pytest.approx(np.sqrt(2) * 100)
    assert p.grad is not None
    np.testing.assert_allclose(np.linalg.norm(p.grad.numpy()), 1.0, rtol=1e-5)


def test_import_is_quick_and_light() -> None:
    code = (
        "import sys, time, numpy; t = time.perf_counter(); import needlecpp; t = time.perf_counter() - t;"
        "print(t, [m for m in ('torch', 'typer', 'rich', 'PIL') if m in sys.modules])"
    )
    seconds, heavy = min(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split(" ", 1)
        for _ in range(3)
    )
    assert float(seconds) < 0.15 and heavy.strip() == "[]"
