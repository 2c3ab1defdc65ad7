# grading/law.py, part of backprop from scratch. SPDX-License-Identifier: MIT-0
"""Any network by one law: a training step moves every array by -c times its slope, with one c > 0.

array  a float array or a number in net, by its path, that changes what predict gives
draw   weights that the check has drawn for the arrays (normal, spread 0.7 or less)
trial  (X, Y, T) of a step: all samples, or a single one where the network learns one by one
T      the targets in rows: (m samples, k outputs), whatever the network's own layout
move   what one step from a draw adds to an array
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
from traceback import format_exc

import numpy as np

Task = namedtuple("Task", "net predict ask step X Y loss saved rng")  # ask(X): outputs as floats
Plan = namedtuple("Plan", "arrays constants last trials axis m k eps")
Seen = namedtuple("Seen", "v g e u W")  # by entry: move, slope, its error, rounding of v, weight
Row = namedtuple("Row", "path follows words")  # follows: True, False, or None where it is not told
Judged = namedtuple("Judged", "verdict words loss c rows plan")
LOSSES = ["half the squared error", "cross-entropy", "binary cross-entropy"]
LOSSES += ["cross-entropy of softmax(outputs)", "binary cross-entropy of sigmoid(outputs)"]
read = partial(np.array, dtype=float)


def walk(net):
    """{path: (value, put)} of the float arrays and numbers in net at any depth, nearest first."""
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
            floats = isinstance(v, np.ndarray) and v.dtype.kind == "f" and v.size
            if floats or isinstance(v, (float, np.floating)) or type(v) is int and v == 0:  # a bias
                found[path + text.format(key)] = v, put and partial(put, key)
            elif not (id(v) in met or isroutine(v) or isclass(v) or ismodule(v)):
                met.add(id(v))
                queue.append((path + text.format(key), v))
    return found


def write(leaf, W):
    value, put = leaf
    if isinstance(value, np.ndarray):
        value[...] = W
    elif put:
        put((float if type(value) is int else type(value))(W))


def placed(task, weights=()):
    """Put all numbers of net back as they were, bit for bit, but for these weights; walk it."""
    for p, (_, put) in walk(task.net).items():
        put and p in task.saved and put(task.saved[p][0])
    now, copies = walk(task.net), {p: W for p, (_, W) in task.saved.items() if np.ndim(W)}
    for p, W in [*copies.items(), *dict(weights).items()]:
        with suppress(KeyError, ValueError):  # gone, or of another shape in a local name
            write(now[p], W)
    return walk(task.net)


def readers(task, paths):
    """Those of paths whose change changes what predict gives, as net stands now."""
    now, A, found = walk(task.net), task.ask(task.X), []
    for p in [p for p in paths if p in now]:
        W = read(now[p][0])
        write(now[p], task.rng.normal(size=W.shape) if W.ndim else W * 1.001 + 0.001)
        found += [] if np.array_equal(task.ask(task.X), A, equal_nan=True) else [p]
        write(now[p], W)
    return found


def drawn(task, paths, shrink=1):
    shapes = {p: np.shape(task.saved[p][1]) for p in paths}
    return {p: task.rng.normal(0, shrink / max(2, 2, *n) ** 0.5, n) for p, n in shapes.items()}


def moved(task, weights, *trials):
    """{path: what steps on these trials add to these weights, NaN where the shape changes}."""
    before = {p: read(v) for p, (v, _) in placed(task, weights).items() if p in weights}
    for X, Y, *_ in trials:
        task.ask(X)  # a step without a forward of its own finds it done
        task.step(*deepcopy((X, Y)))
    after = {p: read(v) for p, (v, _) in walk(task.net).items() if p in before}
    same = [p for p in after if after[p].shape == np.shape(task.saved[p][1])]
    return {p: after[p] - before[p] if p in same else np.nan * weights[p] for p in weights}


def laid_out(task):
    """Axes of the samples in X, A and Y (None for one sample); m; k; T (None where Y does not fit)."""
    X, Y, A = np.asarray(task.X), np.asarray(task.Y), task.ask(task.X)
    axes = [(a, b) for a in (0, 1)[: X.ndim] for b in range(A.ndim) if X.shape[a] == A.shape[b]]
    alone = axes[:1] if X.ndim > 1 else []
    for a, b in axes[::-1]:
        with suppress(Exception):
            first = task.ask(np.take(X, [0], a)).ravel()
            alone += [(a, b)] if np.allclose(first, np.take(A, 0, b).ravel()) else []
    axis_X, axis = alone[-1] if alone else (None, None)
    m = 1 if axis is None else A.shape[axis]
    axis_Y = next((a for a in (axis_X, 0, 1) if a in range(Y.ndim) and Y.shape[a] == m), None)
    T = (Y.T if (axis if Y.shape == A.shape else axis_Y) else Y).reshape(m, -1)
    if Y.size == m < A.size:  # classes
        T = np.equal.outer(Y.ravel() - (Y.max() == A.size // m), np.arange(A.size // m))
    fits = T.size == A.size and T.dtype.kind in "biuf" and (T.size == Y.size or T.any(axis=1).all())
    return axis_X, axis, axis_Y, m, A.size // m, T.astype(float) if fits else None


def pulls(task, A, Y, T, axis):
    """The pull of each loss, flat in rows; NaN where the outputs and targets do not allow it."""
    if task.loss:
        H = 6e-6 * np.eye(A.size).reshape(-1, *A.shape)
        P = [(float(task.loss(A + h, Y)) - float(task.loss(A - h, Y))) / 12e-6 for h in H]
        return np.reshape((np.reshape(P, A.shape).T if axis else P), (1, -1))
    A = (A.T if axis else A).reshape(T.shape)
    E = np.exp(A - A.max(axis=1, keepdims=True))
    bits, one = T.min() >= 0 and T.max() <= 1, T.shape[1] > 1 and np.allclose(T.sum(axis=1), 1)
    chances, sums = A.min() > 0 and A.max() < 1, np.allclose(A.sum(axis=1), 1, atol=1e-5)
    fits = [True, bits and one and chances and sums, bits and chances, bits and one, bits]
    P = [A - T, -T / A, (A - T) / (A * (1 - A)), E / E.sum(axis=1, keepdims=True) - T]
    P = np.reshape([*P, 1 / (1 + np.exp(-A)) - T], (5, -1))
    return np.where(np.array(fits)[:, None], P, np.nan)


def survey(task):
    """The Plan for net, or why it cannot be judged."""
    raw, data, old = task.predict(deepcopy(task.X)), (task.X, task.Y), task.saved
    kind = type(raw).__name__ if isinstance(raw, (tuple, dict)) else np.asarray(raw).dtype.name
    if kind[:5] != "float":
        return f"predict gives {kind}, not the outputs as floats"
    moved(task, {}, data)
    task.ask(task.X)
    now = walk(task.net)
    for p, W in drawn(task, [p for p in now if p in old and np.ndim(old[p][0])]).items():
        np.shape(now[p][0]) == W.shape and write(now[p], W)
    now, arrays, found = walk(task.net), [], readers(task, old)
    for p in sorted(found, key=lambda p: -np.size(old[p][0])):  # the array, not the views into it
        shared = [np.shares_memory(np.asarray(now[p][0]), np.asarray(now[q][0])) for q in arrays]
        arrays += [] if any(shared) else [p]
    arrays, ndim = [p for p in old if p in arrays], {p: np.ndim(old[p][0]) for p in old}
    weights = {p: read(old[p][0]) for p in arrays} | drawn(task, [p for p in arrays if ndim[p]])
    move, again = moved(task, weights, data), moved(task, weights, data)
    still = [p for p in arrays if not move[p].any()]
    if len(still) == len(arrays):
        return "step moves nothing" if arrays else "nothing in net changes what predict gives"
    now, alive, A = placed(task, weights), {p: arrays for p in arrays}, task.ask(task.X)
    a, b = (np.concatenate([v.ravel() for v in x.values()]) for x in (move, again))
    alike = np.array_equal(A, task.ask(task.X), equal_nan=True)
    if not alike or a @ b < (1 - 1e-11) * np.sqrt(a @ a * (b @ b)):
        return "random"
    axis_X, axis, axis_Y, m, k, T = laid_out(task)
    if T is None and task.loss is None:
        return f"Y of shape {np.shape(task.Y)} does not fit outputs of shape {np.shape(raw)}"
    for p in arrays if len(arrays) <= 30 else []:
        write(now[p], 0 * weights[p])
        alive[p] = readers(task, [q for q in arrays if q != p])
        write(now[p], weights[p])
    # a scaler of X is silenced by every layer's weights, a bias only by those that follow it
    stored = [p for p in still if np.isin(task.X, old[p][1]).all()]
    heavy = [p for p in arrays if p not in still or ndim[p] > 1 and p not in stored]
    silent = {p: sum(p not in alive[q] for q in heavy if q != p) for p in arrays}
    constants = [p for p in still if not ndim[p] or silent[p] > max(silent[q] for q in heavy)]
    arrays = [p for p in arrays if p not in constants]
    depth = {p: (len({*alive[p]} & {*arrays}), weights[p].size <= k) for p in arrays}
    last = min([p for p in arrays[::-1] if depth[p][0] < 2], key=depth.get, default=None)
    trials, some = [(*data, T)], [*range(min(m, 4))]
    with suppress(Exception):  # does a step on some samples do what steps on each of them do?
        cut = [(np.take(task.X, i, axis_X), np.take(task.Y, i, axis_Y)) for i in [some, *zip(some)]]
        a, b = (moved(task, weights, *trial) for trial in (cut[:1], cut[1:]))
        one = all(abs(a[p] - b[p]).max() <= 1e-5 * abs(a[p]).max() + 1e-15 for p in a)
        trials = [(*c, T is None or T[[i]]) for i, c in enumerate(cut[1:])] if one else trials
    return Plan(arrays, constants, last, trials, axis, m, k, np.finfo(np.asarray(raw).dtype).eps)


def seen(task, plan, X, leaf, v, pulled):
    """A Seen for each loss; without entries at a kink (ReLU's at 0) and entries never read.

    Central differences D by steps h and 2 h; (4 D1 - D2) / 3 has no error of order h ** 2.
    """
    W, h, eps, G, E = np.array(leaf[0]), plan.eps**0.3, plan.eps, [], []
    some = [task.rng.permutation(x)[:20] for x in (np.flatnonzero(v), v.size)]
    some = np.unique(np.concatenate(some)) if v.size > 60 else np.arange(v.size)
    for i in some:
        A, x = [], []
        for step in (0, h, -h, 2 * h, -2 * h, 9, -9):
            V = W.copy()
            V.flat[i] += step
            write(leaf, V)
            A, x = [*A, task.ask(X)], [*x, float(V.flat[i])]
        A = [(a.T if plan.axis else a).ravel() for a in A]
        D1, D2 = (A[1] - A[2]) / (x[1] - x[2]), (A[3] - A[4]) / (x[3] - x[4])
        noise, gap = 3 * eps * abs(A[0]).max() / h, abs(D1 - D2)
        bad = gap.max() > 1e-3 * abs(D1).max() + noise or np.ptp(A, axis=0).max() == 0
        G.append(pulled @ (4 * D1 - D2) / 3 + (np.nan if bad else 0))
        E.append(abs(pulled) @ (gap / 3 + noise))
    write(leaf, W)
    W, v, eps = read(W).ravel()[some], v.ravel()[some], np.finfo(W.dtype).eps
    u, floor = eps * np.maximum(abs(W), abs(W + v)), max(1e-6, 50 * eps, 50 * plan.eps)
    G, E = np.transpose(G), np.transpose(E)
    E = E + floor * np.nanmax(abs(G), axis=1, initial=0, keepdims=True)
    return [Seen(*np.array([v, g, e, u, W])[:, np.isfinite(g)]) for g, e in zip(G, E)]


def measured(task, plan, trial):
    """({path: its Seens, one for each loss}, move) of a draw."""
    for shrink in 0.25 ** np.arange(5):
        weights = drawn(task, plan.arrays, shrink)
        move, now = moved(task, weights, trial), placed(task, weights)
        A = task.ask(trial[0])
        ask = partial(seen, task, plan, trial[0], pulled=pulls(task, A, *trial[1:], plan.axis))
        found = {p: ask(now[p], v) for p, v in move.items()}
        extreme = not np.isfinite(A).all() or 0 <= A.min() < 1e-4 and A.max() <= 1
        if not extreme and all(any(x.g.any() for x in xs) for xs in found.values()):
            break
    return found, move


def follows(x, c=None):
    """(whether x moves by -c times its slope, None where that is not seen; c, by default its own)."""
    c = (-(x.v @ x.g) / (x.g @ x.g) if x.g.any() else 0.0) if c is None else c
    far = abs(c) * x.e + x.u
    clear = far.max(initial=0) < 0.1 * abs(c * x.g).max(initial=0)
    return (False if not np.all(abs(x.v + c * x.g) <= far) else True if clear else None), c


def fitted(draws, j, last):
    """Of loss j: (last is along, evidence; c by draw; {path: Seen} by draw)."""
    exact, sure, cs, draws = True, 0, [], [{p: x[j] for p, x in d.items()} for d in draws]
    for draw in draws:
        own = {p: c for p, x in draw.items() for state, c in [follows(x)] if state}
        many = {p: sum(follows(x, c)[0] is True for x in draw.values()) for p, c in own.items()}
        best = max(own, key=lambda p: (own[p] > 0, many[p], p == last), default=None)
        wide = [p for p in own if np.sum(abs(draw[p].g) > 1e-3 * abs(draw[p].g).max()) > 1]
        exact, sure = exact and own.get(last, 0) > 0, sure + len(wide) + many.get(best, 1) - 1
        cs.append(float(abs(own.get(best, 1.0))))
    return exact, sure, cs, draws


def told(p, xs, cs, exact, m, rates):
    """The Row of an array: does it move by -c times its slope, and what else."""
    states = [follows(x, c)[0] for x, c in zip(xs, cs)]
    if False not in states:
        unseen = "not seen: slopes of 0 here, or moves lost in rounding"
        return Row(p, True in states or None, "right" if True in states else unseen)
    x, c = xs[states.index(False)], cs[states.index(False)]
    (state, r), off, i = follows(x), x.v + c * x.g, abs(x.v + c * x.g).argmax()
    if np.isnan(x.v).any() or not x.v.any():
        return Row(p, False, "has another shape after the step" if x.v.any() else "does not move")
    if True in states:
        return Row(p, None, "right from some weights, not from others")
    if state:
        far = f"1/{c / r:.4g}" if abs(r) < c and np.isclose(c / r, round(c / r)) else f"{r / c:.4g}"
        why = [("uphill", -1), (f"{m} samples: the 1/m of the mean is missing, or there twice", m)]
        why += [("the learning rate is missing, or there twice", rate) for rate in rates if rate]
        why = [f": {text}" for text, a in why if np.isclose(r / c, [a, 1 / a], 1e-4, 0).any()]
        return Row(p, False, f"{far} times as far as the others" + "".join(why[:1]))
    for k, f in [(off @ f / (f @ f), f) for f in (x.W, np.sign(x.W))]:
        if f.size > 4 and np.all(abs(off - k * f) < x.u + c * x.e):
            return Row(p, None, f"{-k / c:.3g} times the array itself is missing: a penalty?")
    text = f"not along its slope: an entry moves by {x.v[i]:.3g}, right is {-c * x.g[i]:.3g}"
    close = exact and x.v @ -x.g > 0.9 * np.linalg.norm(x.v) * np.linalg.norm(x.g)
    return Row(p, False, text + ": updated before the error has passed back?" * bool(close))


def judged(net, predict, step, X, Y, loss=None):
    """What check_gradients says, as a Judged."""
    ask, data = lambda X: read(predict(deepcopy(X))), deepcopy((X, Y))
    saved = {p: (v, deepcopy(v)) for p, (v, _) in walk(net).items()}
    task = Task(net, predict, ask, step, *data, loss, saved, np.random.default_rng(0))
    try:
        with redirect_stdout(StringIO()), np.errstate(all="ignore"):
            plan = survey(task)
            if isinstance(plan, str):
                return Judged(None, plan, None, [], [], None)
            draws, moves = zip(*(measured(task, plan, plan.trials[-i]) for i in (0, 1)))
    finally:
        placed(task)
    fits = {n: fitted(draws, j, plan.last) for j, n in enumerate(["your loss"] if loss else LOSSES)}
    name = max(fits, key=lambda n: fits[n][:2])
    exact, sure, cs, draws = fits[name]
    rates = [v for v, _ in saved.values() if isinstance(v, float)]
    lines = [told(p, [d[p] for d in draws], cs, exact, plan.m, rates) for p in plan.arrays]
    wrong = [row.path for row in lines if row.follows is False]
    pairs = [[np.linalg.norm(v[p].ravel(), o) for v in moves] for p in wrong for o in (2, np.inf)]
    equal = any(pair[0] and np.isclose(*pair, 1e-6, 0) for pair in pairs)
    words = "none" if not sure else "equal" if equal else ""
    verdict = not wrong and (all(row.follows for row in lines) or None)
    return Judged((sure or not loss) and None if words else verdict, words, name, cs, lines, plan)


def check_gradients(net, predict, step, X, Y, *, loss=None):
    """Print whether each array of net moves as it should; return True, False, or None (not told).

    net: what holds the arrays, or a function that returns it; predict(X): the outputs; step(X, Y):
    one training step; X, Y: a few samples in the network's own layout; loss(A, Y): a number.
    """
    try:
        j = judged(net, predict, step, X, Y, loss)
    except Exception:
        asked = [what for what in ("step", "loss") if f"task.{what}(" in format_exc()] + ["predict"]
        print(f"{asked[0]} fails with X of shape {np.shape(X)}:")
        raise
    if j.rows:
        m, k, c = j.plan.m, j.plan.k, j.c[0]
        ways = [
            (c, ""),
            (c * m, f" / {m} samples"),
            (c / 2, " * 2"),
            (c * m / 2, f" * 2 / {m} samples"),
        ]
        ways += [(c * m * k / 2, f" * 2 / ({m} samples * {k} outputs)")]
        ways = [f" = {lr:.3g}{how}" for lr, how in ways if np.isclose(lr, float(f"{lr:.2g}"), 1e-6)]
        print(f"Nearest loss: {j.loss}; c = {c:.4g}{''.join(ways[:1]) if m else ''}")
    for row in j.rows:
        print(fill(f"  {row.path:8} {row.words}", 79, subsequent_indent=" " * 11))
    for p in j.plan.constants if j.plan else ():
        print(fill(f"  {p:8} does not move: a constant? If not: net=lambda: [the arrays]", 79))
    wrong = ", ".join(row.path for row in j.rows if row.follows is False)
    said = {True: "RIGHT", False: f"WRONG: {wrong}", None: "NOT JUDGED: "}[j.verdict]
    print(fill(said + j.words, 79))
    return j.verdict
