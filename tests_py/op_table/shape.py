"""Rows of the shapes and views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import needlecpp as ndl
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .row import Array, Op


def _block_diag(a: Array, b: Array) -> Array:
    y = np.zeros((a.shape[0] + b.shape[0], a.shape[1] + b.shape[1]))
    y[: a.shape[0], : a.shape[1]] = a
    y[a.shape[0] :, a.shape[1] :] = b
    return y


ROWS = [
    Op("reshape", lambda x: ndl.reshape(x, (2, -1)), lambda x: x.reshape(2, -1)),
    Op("reshape of a view", lambda x: ndl.reshape(x.T, (6, 2)), lambda x: x.T.reshape(6, 2), covers="reshape"),
    Op("broadcast_to", lambda x: ndl.broadcast_to(x, (2, 3, 4)), lambda x: np.broadcast_to(x, (2, 3, 4)), ((3, 1),)),
    Op("permute", lambda x: ndl.permute(x, (2, 0, 1)), lambda x: x.transpose(2, 0, 1), ((2, 3, 4),)),
    Op("transpose", ndl.transpose, lambda x: x.swapaxes(-1, -2), ((2, 3, 4),)),
    Op(
        "transpose axes",
        lambda x: ndl.transpose(x, axes=(0, 2)),
        lambda x: x.swapaxes(0, 2),
        ((2, 3, 4),),
        covers="transpose",
    ),
    Op("flip", lambda x: ndl.flip(x, (0, 1)), lambda x: x[::-1, ::-1]),
    Op("squeeze", ndl.squeeze, np.squeeze, ((1, 3, 1),)),
    Op("unsqueeze", lambda x: ndl.unsqueeze(x, 1), lambda x: x[:, None]),
    Op("slices", lambda x: x[1:, ::-2], lambda x: x[1:, ::-2], covers="reshape"),
    Op("integers", lambda x: x[1, -1], lambda x: x[1, -1], covers="reshape"),
    Op("newaxis and ellipsis", lambda x: x[None, ..., 2], lambda x: x[None, ..., 2], covers="reshape"),
    Op("concat", lambda a, b: ndl.concat([a, b], 1), lambda a, b: np.concatenate([a, b], 1), ((3, 4), (3, 2))),
    Op("concatenate", lambda a, b: ndl.concatenate([a, b]), lambda a, b: np.concatenate([a, b]), ((3, 4), (1, 4))),
    Op("stack", lambda a, b: ndl.stack([a, b], 1), lambda a, b: np.stack([a, b], 1), ((3, 4), (3, 4))),
    Op("split", lambda x: ndl.split(x, 3, 1)[1], lambda x: x[:, 3:]),
    Op("split slices", lambda x: ndl.split(x, axis=1)[2], lambda x: x[:, 2], covers="split"),
    Op("split sizes", lambda x: ndl.split(x, (1, 0, 3), 1)[2], lambda x: x[:, 1:], covers="split"),
    Op("unbind", lambda x: ndl.unbind(x, 1)[2], lambda x: x[:, 2]),
    Op("cat", lambda a, b: ndl.cat([a, b], -1), lambda a, b: np.concatenate([a, b], -1), ((3, 4), (3, 2))),
    Op("concat nothing", lambda a, b: ndl.cat([b, a], 1), lambda a, b: a, ((3, 4), (0,)), covers="cat"),
    Op("hstack", lambda a, b: ndl.hstack([a, b]), lambda a, b: np.hstack([a, b]), ((3, 4), (3, 2))),
    Op(
        "hstack vectors", lambda a, b: ndl.hstack([a, b]), lambda a, b: np.hstack([a, b]), ((3,), (2,)), covers="hstack"
    ),
    Op("vstack", lambda a, b: ndl.vstack([a, b]), lambda a, b: np.vstack([a, b]), ((4,), (3, 4))),
    Op("dstack", lambda a, b: ndl.dstack([a, b]), lambda a, b: np.dstack([a, b]), ((3, 4), (3, 4))),
    Op("column_stack", lambda a, b: ndl.column_stack([a, b]), lambda a, b: np.column_stack([a, b]), ((3,), (3, 2))),
    Op("block_diag", lambda a, b: ndl.block_diag(a, b), _block_diag, ((2, 3), (3, 1))),
    Op("flatten", lambda x: ndl.flatten(x, 1), lambda x: x.reshape(2, 12), ((2, 3, 4),)),
    Op("ravel", ndl.ravel, np.ravel),
    Op("unflatten", lambda x: ndl.unflatten(x, 1, (2, -1)), lambda x: x.reshape(3, 2, 2)),
    Op("permute_dims", lambda x: ndl.permute_dims(x, (1, 0)), np.transpose),
    Op("matrix_transpose", ndl.matrix_transpose, lambda x: x.swapaxes(-1, -2), ((2, 3, 4),)),
    Op(
        "transpose order",
        lambda x: ndl.transpose(x, (2, 0, 1)),
        lambda x: x.transpose(2, 0, 1),
        ((2, 3, 4),),
        covers="transpose",
    ),
    Op("t", ndl.t, np.transpose),
    Op("swapaxes", lambda x: ndl.swapaxes(x, 0, 2), lambda x: x.swapaxes(0, 2), ((2, 3, 4),)),
    Op("swapdims", lambda x: ndl.swapdims(x, 0, -1), lambda x: x.swapaxes(0, -1), ((2, 3, 4),)),
    Op("moveaxis", lambda x: ndl.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1), ((2, 3, 4),)),
    Op("movedim", lambda x: ndl.movedim(x, (0, 1), (2, 0)), lambda x: np.moveaxis(x, (0, 1), (2, 0)), ((2, 3, 4),)),
    Op("expand", lambda x: ndl.expand(x, (2, -1, 4)), lambda x: np.broadcast_to(x, (2, 3, 4)), ((3, 1),)),
    Op(
        "broadcast_tensors",
        lambda a, b: ndl.broadcast_tensors(a, b)[1] * a,
        lambda a, b: a + 0 * b + a * b - a,
        ((3, 1), (4,)),
    ),
    Op(
        "broadcast_arrays",
        lambda a, b: ndl.broadcast_arrays(a, b)[0],
        lambda a, b: np.broadcast_arrays(a, b)[0],
        ((3, 1), (4,)),
    ),
    Op(
        "meshgrid",
        lambda a, b: ndl.stack(ndl.meshgrid(a, b)),
        lambda a, b: np.stack(np.meshgrid(a, b, indexing="ij")),
        ((3,), (2,)),
    ),
    Op(
        "meshgrid xy",
        lambda a, b: ndl.stack(ndl.meshgrid([a, b], indexing="xy")),
        lambda a, b: np.stack(np.meshgrid(a, b)),
        ((3,), (2,)),
        covers="meshgrid",
    ),
    Op("squeeze one", lambda x: ndl.squeeze(x, 0), lambda x: x[0], ((1, 3, 1),), covers="squeeze"),
    Op("expand_dims", lambda x: ndl.expand_dims(x, (0, -1)), lambda x: np.expand_dims(x, (0, -1))),
    Op("atleast_1d", lambda x: ndl.atleast_1d(x), np.atleast_1d, ((),)),
    Op("atleast_2d", lambda x: ndl.atleast_2d(x), np.atleast_2d, ((3,),)),
    Op("atleast_3d", lambda x: ndl.atleast_3d(x), np.atleast_3d),
    Op("fliplr", ndl.fliplr, np.fliplr),
    Op("flipud", ndl.flipud, np.flipud),
    Op("rot90", ndl.rot90, np.rot90),
    Op(
        "rot90 back",
        lambda x: ndl.rot90(x, -5, (1, 2)),
        lambda x: np.rot90(x, -5, (1, 2)),
        ((2, 3, 4),),
        covers="rot90",
    ),
    Op("rot180", lambda x: ndl.rot90(x, 2), lambda x: np.rot90(x, 2), covers="rot90"),
    Op("slice", lambda x: ndl.slice(x, 1, 3, 0, -2), lambda x: x[:, 3:0:-2]),
    Op("narrow", lambda x: ndl.narrow(x, 1, -3, 2), lambda x: x[:, 1:3]),
    Op("select", lambda x: ndl.select(x, 1, -1), lambda x: x[:, -1]),
    Op("chunk", lambda x: ndl.chunk(x, 3, 1)[1], lambda x: x[:, 2:]),
    Op("array_split", lambda x: ndl.array_split(x, 3, 1)[0], lambda x: np.array_split(x, 3, 1)[0]),
    Op("tensor_split", lambda x: ndl.tensor_split(x, (1, 3), 1)[1], lambda x: np.array_split(x, (1, 3), 1)[1]),
    Op("hsplit", lambda x: ndl.hsplit(x, 2)[1], lambda x: np.hsplit(x, 2)[1]),
    Op("vsplit", lambda x: ndl.vsplit(x, [1])[1], lambda x: np.vsplit(x, [1])[1]),
    Op("unstack", lambda x: ndl.unstack(x)[1], lambda x: x[1]),
    Op("unfold", lambda x: x.unfold(1, 3, 1), lambda x: sliding_window_view(x, 3, 1), ((3, 5),), covers="reshape"),
    Op(
        "unfold apart",
        lambda x: x.unfold(0, 2, 3),
        lambda x: sliding_window_view(x, 2, 0)[::3],
        ((6, 2),),
        covers="reshape",
    ),
    Op("diagonal", lambda x: ndl.diagonal(x, 1, 2, 0), lambda x: np.diagonal(x, 1, 2, 0), ((3, 2, 4),)),
    Op("diagonal outside", lambda x: ndl.diagonal(x, 9), lambda x: np.diagonal(x, 9), covers="diagonal"),
    Op("diag", ndl.diag, np.diag, ((3,),)),
    Op("diag of a matrix", lambda x: ndl.diag(x, -1), lambda x: np.diag(x, -1), covers="diag"),
    Op("diagflat", lambda x: ndl.diagflat(x, 1), lambda x: np.diagflat(x, 1), ((2, 2),)),
    Op("diag_embed", lambda x: ndl.diag_embed(x, -1), lambda x: np.stack([np.diag(row, -1) for row in x])),
    Op("tril", lambda x: ndl.tril(x, -1), lambda x: np.tril(x, -1), ((2, 3, 4),)),
    Op("triu", lambda x: ndl.triu(x, 1), lambda x: np.triu(x, 1), ((2, 4, 3),)),
    Op("tile", lambda x: ndl.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3))),
    Op("Tensor.repeat", lambda x: x.repeat(2, 1, 3), lambda x: np.tile(x, (2, 1, 3)), covers="tile"),
    Op("repeat", lambda x: ndl.repeat(x, 2), lambda x: np.repeat(x, 2)),
    Op("repeat axis", lambda x: ndl.repeat(x, 3, 1), lambda x: np.repeat(x, 3, 1), covers="repeat"),
    Op(
        "repeat_interleave",
        lambda x: ndl.repeat_interleave(x, [2, 0, 3], 0),
        lambda x: np.repeat(x, [2, 0, 3], 0),
    ),
    Op("roll", lambda x: ndl.roll(x, (1, -2), (0, 1)), lambda x: np.roll(x, (1, -2), (0, 1))),
    Op("roll flat", lambda x: ndl.roll(x, 5), lambda x: np.roll(x, 5), covers="roll"),
]

# PyTorch operators whose call differs from ours in more than the names of axes.
GOLDEN: dict[str, Callable[..., Any]] = {
    "repeat": lambda x, sizes: x.repeat(*sizes),
    "unfold": lambda x, *args: x.unfold(*args),
    "view": lambda x, shape: x.view(shape),
}
