# grading/law.py, part of backprop from scratch. SPDX-License-Identifier: MIT-0
"""Any network by one law: a training step moves every array by -c times its slope, with one c > 0.

array  a float array, list of floats or number in net, by path, that changes what predict gives
draw   weights that the check has drawn for the arrays (normal, spread 0.7 or less)
trial  (X, Y, T) of a step: all samples, or a single one where the network learns one by one
move   what one step from a draw adds to an array
rows   outputs and targets T as (m samples, k outputs), whatever the network's own layout
pull   the derivative of a loss by the outputs; slope: that by an entry of an array
c      the one number with move = -c * slope: the learning rate, or that / m, ...
last   the weights of the last layer: with them zero, only their bias counts beside them
"""

from collections import namedtuple
from contextlib import redirect_stdout, suppress
from copy import deepcopy
from functools import partial
from inspect import isclass, ismodule, isroutine
from io import StringIO
from textwrap import fill
from traceback import extract_tb

import numpy as np

Task = namedtuple("Task", "net predict step X Y loss saved rng")
Plan = namedtuple("Plan", "arrays constants last trials axis m eps size")
Seen = namedtuple("Seen", "v g e u W")  # by entry: move, slope, its error, rounding of v, weight
Row = namedtuple("Row", "path follows words")  # follows: True, False, or None where it is not told
Judged = namedtuple("Judged", "verdict words loss c rows constants m")
LOSSES = ["half the squared error", "cross-entropy", "binary cross-entropy"]
LOSSES += ["cross-entropy of softmax(outputs)", "binary cross-entropy of sigmoid(outputs)"]
read = partial(np.array, dtype=float)


def walk(net):
    """{path: (value, put)} of the numbers that net holds in any depth, nearest first."""
    root = net() if isroutine(net) else net
    found, met, queue = {}, set(), [("", [root] if isinstance(root, np.ndarray) else root)]
    for path, obj in queue:
        if isinstance(obj, (dict, list, tuple)) or getattr(obj, "dtype", None) == object:
            items, text = obj if isinstance(obj, dict) else dict(enumerate(obj)), "[{!r}]"
            put = getattr(obj, "__setitem__", None)
        else:
            kinds, text = type(obj).__mro__, ".{}"
            names = [n for kind in kinds for n in getattr(kind, "__slots__", ()) if hasattr(obj, n)]
            names += [n for k in kinds for n, v in vars(k).items() if isinstance(v, np.ndarray)]
            items = {n: getattr(obj, n) for n in names} | getattr(obj, "__dict__", {})
            put = partial((type if isclass(obj) else object).__setattr__, obj)
        for key, v in list(items.items())[:1000]:
            numbers = isinstance(v, list) and all(isinstance(x, (int, float)) for x in v)
            numbers = numbers and any(isinstance(x, float) for x in v) or isinstance(v, np.ndarray)
            single = isinstance(v, (float, np.floating)) or type(v) is int and v == 0  # a bias of 0
            if single or numbers and np.asarray(v).dtype.kind == "f" and np.size(v):
                found[path + text.format(key)] = v, put and partial(put, key)
            elif not (id(v) in met or isroutine(v) or isclass(v) or ismodule(v)):
                met.add(id(v))
                queue.append((path + text.format(key), v))
    return found


def write(leaf, W):
    value, put = leaf
    if isinstance(value, (list, np.ndarray)):
        value[slice(None) if isinstance(value, list) else ...] = W
    elif put:
        put((float if type(value) is int else type(value))(W))


def placed(task, weights=()):
    """Put all numbers of net back as they were, bit for bit, but for these weights; walk it."""
    for p, (_, put) in walk(task.net).items():
        put and p in task.saved and put(task.saved[p][0])
    now, copies = walk(task.net), {p: W for p, (v, W) in task.saved.items() if np.shape(v)}
    for p, W in [*copies.items(), *dict(weights).items()]:
        with suppress(KeyError, ValueError):  # gone, or of another shape in a local name
            write(now[p], W)
    return walk(task.net)


def predicted(task, X):
    return read(task.predict(deepcopy(X)))


def readers(task, paths):
    """Those of paths whose change changes what predict gives, as net stands now."""
    now, A, found = walk(task.net), predicted(task, task.X), []
    for p in [p for p in paths if p in now]:
        W = read(now[p][0])
        write(now[p], task.rng.normal(size=W.shape) if W.ndim else W * 1.001 + 0.001)
        found += [] if np.array_equal(predicted(task, task.X), A, equal_nan=True) else [p]
        write(now[p], W)
    return found


def drawn(task, paths, shrink=1):
    shapes = {p: np.shape(task.saved[p][0]) for p in paths}
    spread = {p: shrink * min(0.7, 2 / max(shape, default=1) ** 0.5) for p, shape in shapes.items()}
    return {p: task.rng.normal(0, spread[p], shapes[p]) for p in paths}


def moved(task, weights, *trials):
    """{path: what steps on these trials add to these weights, None where the shape changes}."""
    before = {p: read(v) for p, (v, _) in placed(task, weights).items() if p in weights}
    for X, Y, *_ in trials:
        predicted(task, X)  # a step without a forward of its own finds it done
        task.step(*deepcopy((X, Y)))
    after = {p: read(v) for p, (v, _) in walk(task.net).items() if p in weights}
    same = [p for p, W in before.items() if np.shape(after.get(p)) == W.shape]
    return dict.fromkeys(before) | {p: after[p] - before[p] for p in same}


def flat(move):
    return np.concatenate([v.ravel() for v in move.values() if v is not None])


def rows(A, axis):
    return A.reshape(1, -1) if axis is None else np.moveaxis(A, axis, 0).reshape(A.shape[axis], -1)


def laid_out(task):
    """Axes of the samples in X, A and Y (None for one sample); m; k; T (None where Y does not fit)."""
    X, Y, A = np.asarray(task.X), np.asarray(task.Y), predicted(task, task.X)
    axes = [
        (a, b) for a in range(min(X.ndim, 2)) for b in range(A.ndim) if X.shape[a] == A.shape[b]
    ]
    alone = axes[:1] if X.ndim > 1 else []
    for a, b in axes[::-1]:
        with suppress(Exception):
            first = predicted(task, np.take(X, [0], a)).ravel()
            alone += [(a, b)] if np.allclose(first, np.take(A, 0, b).ravel()) else []
    axis_X, axis = alone[-1] if alone else (None, None)
    m, k = rows(A, axis).shape
    axis_Y = next((a for a in (axis_X, 0, 1) if a in range(Y.ndim) and Y.shape[a] == m), None)
    T = rows(Y, axis if Y.shape == A.shape else axis_Y) + 0.0 if Y.dtype.kind in "biuf" else A[:0]
    if T.size == m < A.size:  # classes
        T = np.equal.outer(T.ravel() - (T.max() == k), np.arange(k)) + 0.0
        T = T[T.any(axis=1)]
    return axis_X, axis, axis_Y, m, k, T if T.shape == (m, k) else None


def pulls(task, A, Y, T, axis):
    """The pull of each loss, flat in rows; NaN where the outputs and targets do not allow it."""
    if task.loss:
        H = 6e-6 * np.eye(A.size).reshape(-1, *A.shape)
        P = [(float(task.loss(A + h, Y)) - float(task.loss(A - h, Y))) / 12e-6 for h in H]
        return rows(np.reshape(P, A.shape), axis).reshape(1, -1)
    A = rows(A, axis)
    E = np.exp(A - A.max(axis=1, keepdims=True))
    bits, one = T.min() >= 0 and T.max() <= 1, T.shape[1] > 1 and np.allclose(T.sum(axis=1), 1)
    chances, sums = A.min() > 0 and A.max() < 1, np.allclose(A.sum(axis=1), 1, atol=1e-5)
    fits = [True, bits and one and chances and sums, bits and chances, bits and one, bits]
    P = [A - T, -T / A, (A - T) / (A * (1 - A)), E / E.sum(axis=1, keepdims=True) - T]
    P = np.reshape([*P, 1 / (1 + np.exp(-A)) - T], (5, -1))
    return np.where(np.array(fits)[:, None], P, np.nan)


def survey(task):
    """The Plan for net, or why it cannot be judged."""
    raw, data = task.predict(deepcopy(task.X)), (task.X, task.Y)
    kind = type(raw).__name__ if isinstance(raw, (tuple, dict)) else np.asarray(raw).dtype.name
    if kind[:5] != "float":
        return f"predict gives {kind}"
    if not np.array_equal(predicted(task, task.X), predicted(task, task.X), equal_nan=True):
        return "two answers"
    old = {p: read(v) for p, (v, _) in task.saved.items()}
    known = [D for D in map(np.asarray, data) if D.dtype.kind in "iuf" and np.unique(D).size > 1]
    stored = [p for D in known for p in old if old[p].size >= D.size and np.isin(D, old[p]).all()]
    paths = [p for p in old if p not in stored]  # without X or [1, X]
    moved(task, {}, data)
    predicted(task, task.X)
    now = walk(task.net)
    for p, W in drawn(task, [p for p in paths if old[p].ndim]).items():
        p in now and np.shape(now[p][0]) == W.shape and write(now[p], W)
    live, now, arrays = readers(task, paths), walk(task.net), []
    for p in sorted(live, key=lambda p: -old[p].size):  # the array, not the views into it
        shared = [np.shares_memory(np.asarray(now[p][0]), np.asarray(now[q][0])) for q in arrays]
        arrays += [] if any(shared) else [p]
    arrays = [p for p in paths if p in arrays]
    if not arrays:
        return "nothing that net holds changes what predict gives"
    weights = {p: old[p] for p in arrays} | drawn(task, [p for p in arrays if old[p].ndim])
    move, again = moved(task, weights, data), moved(task, weights, data)
    still = [p for p in arrays if move[p] is not None and not move[p].any()]
    if len(still) == len(arrays):
        return "step moves nothing"
    if flat(move) @ flat(again) < (1 - 1e-11) * np.sqrt(
        flat(move) @ flat(move) * (flat(again) @ flat(again))
    ):
        return "random"
    now, alive = placed(task, weights), {p: {*arrays} for p in arrays}
    axis_X, axis, axis_Y, m, k, T = laid_out(task)
    if T is None and task.loss is None:
        return f"Y of shape {np.shape(task.Y)} does not fit outputs of shape {np.shape(raw)}"
    for p in arrays if len(arrays) <= 30 else []:
        write(now[p], 0 * weights[p])
        alive[p] = {*readers(task, [q for q in arrays if q != p])}
        write(now[p], weights[p])
    # a scaler of X is silenced by every layer's weights, a bias only by those that follow it
    silent = {p: sum(p not in alive[q] for q in arrays if q not in [p, *still]) for p in arrays}
    deep, n = max(silent[p] for p in arrays if p not in still), np.size(task.X) // m
    constants = [p for p in still if old[p].size == n and silent[p] > deep or not old[p].ndim]
    arrays = [p for p in arrays if p not in constants]
    depth = {p: (len(alive[p] & {*arrays}), old[p].size <= k, -arrays.index(p)) for p in arrays}
    last = min([p for p in arrays if depth[p][0] <= 1], key=depth.get, default=None)
    kinds = [getattr(v, "dtype", float) for v in (raw, *(task.saved[p][0] for p in arrays))]
    eps, size = (
        max(np.finfo(kind).eps for kind in kinds),
        max([1, *(abs(D).max() for D in known[:1])]),
    )
    trials, some = [(*data, T)], [*range(min(m, 4))]
    with suppress(Exception):  # does a step on some samples do what steps on each of them do?
        cut = [(np.take(task.X, i, axis_X), np.take(task.Y, i, axis_Y)) for i in [some, *zip(some)]]
        a, b = flat(moved(task, weights, cut[0])), flat(moved(task, weights, *cut[1:]))
        one = m > 1 and abs(a - b).max() <= 1e-5 * abs(a).max() + 8 * eps
        trials = [(*c, T is None or T[[i]]) for i, c in enumerate(cut[1:])] if one else trials
    return Plan(arrays, constants, last, trials, axis, m, eps, size)


def seen(task, plan, X, leaf, v, pulled):
    """A Seen for each loss; without entries at a kink (ReLU's at 0) and entries never read.

    Central differences D by steps h and 2 h; (4 D1 - D2) / 3 has no error of order h ** 2.
    """
    W, G, E, h = np.array(leaf[0]), [], [], plan.eps**0.25 / 2 / plan.size
    some = [task.rng.permutation(x)[:20] for x in (np.flatnonzero(v), v.size)]
    some = np.unique(np.concatenate(some)) if v.size > 60 else np.arange(v.size)
    for i in some:
        ends = []
        for step in (0, h, -h, 2 * h, -2 * h, 9, -9):
            V = W.copy()
            V.flat[i] += step
            write(leaf, V)
            ends.append((rows(predicted(task, X), plan.axis).ravel(), float(V.flat[i])))
        D1, D2 = [(p[0] - q[0]) / (p[1] - q[1]) for p, q in (ends[1:3], ends[3:5])]
        noise, gap = 3 * plan.eps * abs(ends[0][0]).max() / h, abs(D1 - D2)
        bad = gap.max() > 1e-3 * abs(D1).max() + noise or all(
            np.all(A == ends[0][0]) for A, _ in ends
        )
        G.append(pulled @ (4 * D1 - D2) / 3 + (np.nan if bad else 0))
        E.append(abs(pulled) @ (gap / 3 + noise))
    write(leaf, W)
    W, v, found = W.ravel()[some], v.ravel()[some], []
    for g, e in zip(np.transpose(G), np.transpose(E)):
        e, u = (
            e + max(1e-6, 50 * plan.eps) * np.nanmax(abs(g), initial=0),
            np.maximum(abs(W), abs(W + v)),
        )
        found.append(Seen(*np.array([v, g, e, plan.eps * u, W])[:, np.isfinite(g)]))
    return found


def measured(task, plan, trial):
    """({path: Seens, None where the shape has changed}, move) of a draw."""
    for shrink in 0.25 ** np.arange(5):
        weights = drawn(task, plan.arrays, shrink)
        move, now = moved(task, weights, trial), placed(task, weights)
        A = predicted(task, trial[0])
        ask = partial(seen, task, plan, trial[0], pulled=pulls(task, A, *trial[1:], plan.axis))
        found = {p: None if v is None else ask(now[p], v) for p, v in move.items()}
        extreme = not np.isfinite(A).all() or 0 <= A.min() < 1e-4 and A.max() <= 1
        if not extreme and all(any(s.g.any() for s in x) for x in found.values() if x):
            break
    return found, move


def follows(x, c=None):
    """(whether x moves by -c times its slope, None where that is not seen; c, by default its own)."""
    if x is None:
        return False, 0.0
    c = (-(x.v @ x.g) / (x.g @ x.g) if x.g.any() else 0.0) if c is None else c
    far = abs(c) * x.e + x.u
    clear = far.max(initial=0) < 0.1 * abs(c * x.g).max(initial=0)
    return (False if np.any(abs(x.v + c * x.g) > far) else True if clear else None), c


def fitted(draws, j, last):
    """Of loss j: (last is along, how many arrays are; c by draw; {path: Seen} by draw)."""
    exact, along, cs, draws = True, 0, [], [{p: x and x[j] for p, x in d.items()} for d in draws]
    for draw in draws:
        own = {p: c for p, x in draw.items() for state, c in [follows(x)] if state}
        many = {p: sum(follows(x, c)[0] is True for x in draw.values()) for p, c in own.items()}
        best = max(own, key=lambda p: (own[p] > 0, many[p], p == last), default=None)
        exact, along = exact and own.get(last, 0) > 0, along + len(own)
        cs.append(float(abs(own.get(best, 1.0))))
    return exact, along, cs, draws


def told(p, xs, cs, moves, exact, m, rates):
    """The Row of an array: does it move by -c times its slope, and what else."""
    states = [follows(x, c)[0] for x, c in zip(xs, cs)]
    if False not in states:
        return Row(
            p,
            *((True, "right") if True in states else (None, "not seen: slopes of 0, or it drowns")),
        )
    x, c = xs[states.index(False)], cs[states.index(False)]
    if x is None or not x.v.any():
        return Row(p, False, "does not move" if x else "has another shape after the step")
    sizes = [f(v) for f in (np.linalg.norm, np.max, np.min) for v in moves]
    if True in states or np.any(np.isclose(sizes[::2], sizes[1::2], 1e-6, 0)):
        return Row(p, None, "right from some weights, not from others: momentum or clipping?")
    (state, r), off, i = follows(x), x.v + c * x.g, abs(x.v + c * x.g).argmax()
    if state:
        r, mean = r / c, f": of {m} samples, the 1/m of the mean is"
        far = f"1/{1 / r:.4g}" if abs(r) < 1 and np.isclose(1 / r, round(1 / r)) else f"{r:.4g}"
        why = {m: f"{mean} missing, or twice in the others", 1 / m: f"{mean} there twice"}
        why |= {-1: ": uphill", **{a: ": the learning rate twice" for a in rates}}
        why |= {1 / a: ": without the learning rate" for a in rates if a}
        why = [text for a, text in why.items() if np.isclose(r, a, 1e-4, 0)]
        return Row(p, False, f"{far} times as far as the others" + "".join(why[:1]))
    for k, f in [(off @ f / (f @ f), f) for f in (x.W, np.sign(x.W))]:
        if f.size > 4 and np.all(abs(off - k * f) < x.u + c * x.e):
            return Row(
                p, None, f"what is missing is along the array itself: a penalty of {-k / c:.3g}?"
            )
    text = f"an entry moves by {x.v[i]:.3g}, right is {-c * x.g[i]:.3g}"
    if exact and x.v @ -x.g > 0.9 * np.linalg.norm(x.v) * np.linalg.norm(x.g):
        text += ": updated before the error has passed back?"
    return Row(p, False, f"not along its slope: {text}")


def judged(net, predict, step, X, Y, loss=None):
    """What check_gradients says, as a Judged."""
    saved = {p: (v, deepcopy(v)) for p, (v, _) in walk(net).items()}
    task = Task(net, predict, step, X, Y, loss, saved, np.random.default_rng(0))
    try:
        with redirect_stdout(StringIO()), np.errstate(all="ignore"):
            plan = survey(task)
            if isinstance(plan, str):
                return Judged(None, plan, None, [], [], [], 1)
            draws, moves = zip(*(measured(task, plan, plan.trials[-i]) for i in (0, 1)))
    finally:
        placed(task)
    names = ["your loss"] if loss else LOSSES
    found = [fitted(draws, j, plan.last) for j in range(len(names))]
    exact, along, cs, draws = max(found, key=lambda f: f[:2])
    rates = [v for v, _ in saved.values() if isinstance(v, float)]
    rows = [
        Row(p, *told(p, [d[p] for d in draws], cs, [v[p] for v in moves], exact, plan.m, rates)[1:])
        for p in plan.arrays
    ]
    sure = sum(row.follows is True for row in rows) > 1
    sure = sure or any(
        follows(x)[0] and np.sum(abs(x.g) > 1e-3 * abs(x.g).max()) > 1
        for d in draws
        for x in d.values()
    )
    words = {row.follows for row in rows}
    name = names[[f[2] for f in found].index(cs)]
    verdict = (
        (None if loss is None else False)
        if not sure
        else False
        if False in words
        else None
        if None in words
        else True
    )
    return Judged(verdict, "" if sure else "none follows", name, cs, rows, plan.constants, plan.m)


def check_gradients(net, predict, step, X, Y, *, loss=None):
    try:
        j = judged(net, predict, step, X, Y, loss)
    except Exception as error:
        here = [frame.name for frame in extract_tb(error.__traceback__)]
        what = "predict" if "predicted" in here else "step" if "moved" in here else "loss"
        print(f"{what} fails with X of shape {np.shape(X)}")
        raise
    print(j.loss, j.c)
    for row in j.rows:
        print(fill(f"  {row.path:12s} {row.words}", 79))
    print(j.verdict, j.words)
    return j.verdict
