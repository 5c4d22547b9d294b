"""Exchange of memory with NumPy, PyTorch and JAX through DLPack, both ways; the latter two where they are installed."""

from __future__ import annotations

from typing import Any

import needlecpp as ndl
import numpy as np
import pytest

DTYPES = ["float32", "float64", "float16", "int32", "int64", "uint8", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy(dtype: str) -> None:
    x = ndl.asarray(np.arange(6).reshape(2, 3)).astype(dtype)
    shared = np.from_dlpack(x)
    assert shared.dtype == dtype
    np.testing.assert_array_equal(shared, x.numpy())
    back = ndl.from_dlpack(np.arange(6).astype(dtype))
    assert back.dtype == dtype


def test_numpy_memory_is_shared_and_kept_alive() -> None:
    x = ndl.zeros(4)
    shared = np.from_dlpack(x)
    x.fill_(3.0)
    assert shared[0] == 3
    del x
    assert shared.sum() == 12
    array = np.zeros((3, 4), "float32")
    view = ndl.from_dlpack(array[:, 1:3].T)
    array[0, 1] = 5
    assert view[0, 0].item() == 5
    assert view.strides == (1, 4)


def test_constant_memory_stays_constant() -> None:
    array = np.zeros(3, "float32")
    array.flags.writeable = False
    for source in (array, memoryview(array)):
        x = ndl.asarray(source)
        with pytest.raises(ValueError, match="read-only"):
            x.fill_(1.0)
        assert not np.from_dlpack(x).flags.writeable
        assert not x.numpy().flags.writeable


def test_copies_and_devices() -> None:
    x = ndl.zeros(4)
    assert x.__dlpack_device__() == (1, 0)
    copied = np.from_dlpack(x, copy=True)
    x.fill_(1.0)
    assert copied.sum() == 0
    with pytest.raises(ValueError, match=r"\[dlpack\]"):
        x.__dlpack__(stream=3)


def test_torch() -> None:
    torch: Any = pytest.importorskip("torch")
    for dtype in [*DTYPES, "bfloat16"]:
        theirs = torch.arange(6).reshape(2, 3).to(getattr(torch, dtype))
        ours = ndl.from_dlpack(theirs)
        assert ours.dtype == dtype
        assert ours.tolist() == theirs.tolist()
        back = torch.from_dlpack(ours)
        assert back.dtype == theirs.dtype
        assert torch.equal(back, theirs)
        assert back.data_ptr() == theirs.data_ptr()
    theirs = torch.zeros(2, 3).T
    ours = ndl.asarray(theirs)
    theirs[0, 1] = 4
    assert ours[0, 1].item() == 4
    assert torch.from_dlpack(ndl.rand(3, 4).T).stride() == (1, 4)
    leaf = torch.zeros(2, requires_grad=True)
    assert ndl.asarray(leaf.detach()).tolist() == [0, 0]


def test_jax() -> None:
    jax: Any = pytest.importorskip("jax")
    theirs = jax.numpy.arange(6, dtype="float32").reshape(2, 3)
    ours = ndl.from_dlpack(theirs)
    assert ours.tolist() == theirs.tolist()
    with pytest.raises(ValueError, match="read-only"):
        ours.fill_(1.0)  # JAX's arrays do not change
    back = jax.numpy.from_dlpack(ndl.asarray(np.arange(6, dtype="float32").reshape(2, 3)))
    assert back.tolist() == theirs.tolist()


def test_long_doubles_become_float64() -> None:
    assert ndl.from_numpy(np.ones(3, np.longdouble)).dtype == "float64"
