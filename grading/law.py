# grading/law.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""Any network by one law: a training step moves every array by -c times its slope, with one c > 0.

array  a float array or a number in net, by its path, that changes what predict gives
draw   weights drawn for the arrays (normal, spread 0.7 or less); move: what a step adds to them
pull   the derivative of a loss by the outputs; slope: that by an entry of an array
c      the one number with move = -c * slope: the learning rate, or that / m for m samples, ...
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
from numpy.linalg import norm

Task = namedtuple("Task", "net predict ask step X Y loss saved rng")  # ask(X): A in floats
Plan = namedtuple("Plan", "arrays constants last trials m k eps")  # trials: (X, Y, T)
Seen = namedtuple("Seen", "v s g e u W c n")  # e: error of g, u: rounding of v; own c, norms of v
Row = namedtuple("Row", "path follows words")  # follows: True, False, or None where it is not told
Judged = namedtuple("Judged", "verdict words loss c rows m")
read = partial(np.array, dtype=float)
LOSSES = ["half the squared error", "cross-entropy", "binary cross-entropy"]
LOSSES += ["cross-entropy of softmax(outputs)", "binary cross-entropy of sigmoid(outputs)"]
OUTPUTS = "predict gives {}: give the outputs, before any rounding, as lambda X: net.forward(X)[-1]"
NOTHING = "{} nothing in net: is it a copy? net=lambda: [W1, b1, W2, b2] gives the arrays"
RANDOM = "two {} differ: random batches, dropout, momentum? Make a new optimizer inside step"
PARTLY = "right from some weights only: state outside net, as momentum? Clipping?"
SAME = "moves as far from other weights: Adam, clipping, normalising?"
UNSEEN = "not seen: slopes of 0 (dead units? scale X), or moves that drown in rounding"
NONE = "no known loss fits: Adam, two updates, a penalty, another loss (loss=), a wrong output?"


def walk(net):
    """{path: (value, put)} of the float arrays and numbers in net at any depth, nearest first."""
    found, met, queue = {}, set(), [("", net() if isroutine(net) else net)]
    for path, it in queue:
        if isinstance(it, (dict, list, tuple)) or getattr(it, "dtype", None) == "O" and it.ndim:
            held, text = it if isinstance(it, dict) else dict(enumerate(it)), "[{!r}]"
            put = getattr(it, "__setitem__", None)
        else:
            own = [n for kind in type(it).__mro__ for n in getattr(kind, "__slots__", ())]
            held = {n: getattr(it, n) for n in own if hasattr(it, n)} | getattr(it, "__dict__", {})
            text, put = ".{}"[not path :], partial([object, type][isclass(it)].__setattr__, it)
        for key, v in list(held.items())[:1000]:
            floats = isinstance(v, np.ndarray) and v.dtype.kind == "f" and v.size
            if floats or isinstance(v, (float, np.floating)) or type(v) is int and v == 0:  # a bias
                name = path + text.format(key) if path or not isinstance(key, str) else key
                found[name] = v, put and partial(put, key)
            elif not (id(v) in met or isroutine(v) or isclass(v) or ismodule(v)):
                met.add(id(v))
                queue.append((path + text.format(key), v))
    return found


def write(leaf, W):
    if isinstance(leaf[0], np.ndarray):
        leaf[0][...] = W
    elif leaf[1]:
        leaf[1]((float if type(leaf[0]) is int else type(leaf[0]))(W))


def placed(task, weights=()):
    """Put all numbers of net back as they were, bit for bit, but for these weights; walk it."""
    for p, (_, put) in walk(task.net).items():
        put and p in task.saved and put(task.saved[p][0])
    now, copies = walk(task.net), {p: W for p, (_, W) in task.saved.items() if np.ndim(W)}
    for p, W in [*copies.items(), *dict(weights).items()]:
        with suppress(KeyError, ValueError):  # gone, or of another shape in a local name
            write(now[p], W)
    return walk(task.net)


def readers(task, paths, weights):
    """Those of paths whose change changes what predict gives, with these weights."""
    now, found = walk(task.net), []
    for p, W in weights.items():
        write(now[p], W)
    A = task.ask(task.X)
    for p in [p for p in paths if p in now and type(now[p][0]) is not int]:
        W = read(now[p][0])
        write(now[p], task.rng.normal(size=W.shape) if W.ndim else W * 1.001 + 0.001)
        found += [] if np.array_equal(task.ask(task.X), A, equal_nan=True) else [p]
        write(now[p], W)
    return found


def drawn(task, shapes, shrink=1):
    return {p: task.rng.normal(0, shrink / max(2, 2, *n) ** 0.5, n) for p, n in shapes.items()}


def moved(task, weights, *trials):
    """{path: what steps on these trials add to these weights, NaN where the shape changes}."""
    before = {p: read(v) for p, (v, _) in placed(task, weights).items() if p in weights}
    for X, Y, *_ in trials:
        task.ask(X)  # a step without a forward of its own finds it done
        task.step(*deepcopy((X, Y)))
    now = walk(task.net)
    same = [p for p in before if p in now and np.shape(now[p][0]) == np.shape(task.saved[p][1])]
    return {p: read(now[p][0]) - before[p] if p in same else np.nan * weights[p] for p in weights}


def pulls(task, A, Y, T):
    """The pull of each loss, flat; NaN where the outputs and targets do not allow it."""
    if task.loss:
        H = 6e-6 * np.eye(A.size).reshape(-1, *A.shape)
        return read([[(float(task.loss(A + h, Y)) - task.loss(A - h, Y)) / 12e-6 for h in H]])
    axes = [a for a in range(A.ndim) if A.shape[a] > 1 and np.allclose(T.sum(axis=a), 1)]
    axes.sort(key=lambda a: np.allclose(A.sum(axis=a), 1, atol=1e-5))  # of one-hot squares
    classes, bits = axes[-1] if axes else None, T.min() >= 0 and T.max() <= 1
    chances, sums = A.min() > 0 and A.max() < 1, np.allclose(A.sum(axis=classes), 1, atol=1e-5)
    E, one = np.exp(A - A.max(axis=classes, keepdims=True)), bits and classes is not None
    fits = np.c_[[True, one and chances and sums, bits and chances, one, bits]]
    P = [A - T, -T / A, (A - T) / (A * (1 - A)), E / E.sum(axis=classes, keepdims=True) - T]
    return np.where(fits, np.reshape([*P, 1 / (1 + np.exp(-A)) - T], (5, -1)), np.nan)


def survey(task):
    """The Plan for net, or why it cannot be judged."""
    raw, X, Y, old = task.predict(deepcopy(task.X)), task.X, task.Y, task.saved
    if isinstance(raw, (tuple, dict)) or (raw := np.asarray(raw)).dtype.kind != "f":
        return OUTPUTS.format(getattr(raw, "dtype", type(raw).__name__))
    moved(task, {}, (X, Y))
    task.ask(X)  # some make their arrays anew in each forward, as views
    now, arrays = {p: v for p, (v, _) in walk(task.net).items() if p in old}, []
    large = {p: v.shape for p, v in now.items() if np.shape(old[p][1]) == np.shape(v) != ()}
    tries = [(readers(task, old, W), W) for W in (drawn(task, large) for _ in range(10))]
    best = max(tries, key=lambda found: len(found[0]))[1]
    for p in sorted({p: 0 for found in tries for p in found[0]}, key=lambda p: -np.size(old[p][1])):
        arrays += [p] * (not any(np.shares_memory(now[p], now[q]) for q in arrays))
    W = {p: best.get(p, read(old[p][1])) for p in old if p in arrays}
    move, again = moved(task, W, (X, Y)), moved(task, W, (X, Y))
    still = [p for p in W if not move[p].any()]
    if len(still) == len(W):
        return NOTHING.format("step moves" if W else "predict reads")
    a, b = (np.concatenate([v.ravel() for v in x.values()]) for x in (move, again))
    A, alike = placed(task, W) and task.ask(X), np.array_equal(task.ask(X), task.ask(X), True)
    if not alike or a @ b < (1 - 1e-11) * np.sqrt(a @ a * (b @ b)):
        return RANDOM.format("steps from the same weights" if alike else "answers of predict")
    T, k = np.asarray(Y) if np.shape(Y) == A.shape else np.squeeze(Y), A.size // max(np.size(Y), 1)
    if T.size < A.size and T.dtype.kind in "biuf":  # classes
        T = np.equal.outer(T.ravel() - (T.max() == k), np.arange(k))
    T = T.T if T.shape != A.shape == T.T.shape else T
    T = T.reshape(A.shape) + 0.0 if T.size == A.size and T.dtype.kind in "biuf" else None
    if T is None and task.loss is None:
        return f"Y of shape {np.shape(Y)} does not fit outputs of shape {A.shape}"
    alive = {p: readers(task, W, W | {p: 0 * W[p]}) for p in [*W][:30]}
    Ws = [p for p in alive if p not in still or W[p].ndim > 1 and not np.isin(X, old[p][1]).all()]
    silent = {p: sum(p not in alive[q] for q in Ws if q != p) for p in W}  # by all: scales X
    constants = [p for p in still if not W[p].ndim or silent[p] > max(silent[q] for q in Ws or [p])]
    arrays = [p for p in W if p not in constants]
    m = next((n for n in np.shape(X) if n in A.shape and n in np.shape(Y)), 1)
    depth = {p: (len({*alive[p]} & {*arrays} - {p}), W[p].size * m <= A.size) for p in alive}
    last = min(arrays, key=silent.get, default=None)  # where each weight is a number of its own
    last = min([p for p in arrays[::-1] if depth.get(p, [2])[0] < 2], key=depth.get, default=last)
    trials, some, eps = [(X, Y, T)], [*range(min(m, 4))], np.finfo(raw.dtype).eps
    with suppress(Exception):  # does a step on some samples do what steps on each of them do?
        cut = [[np.take(D, i, np.shape(D).index(m)) for D in (X, Y, T)] for i in [some, *zip(some)]]
        a, b = (moved(task, W, *trial) for trial in (cut[:1], cut[1:]))
        trials = cut[1:] if all(norm(a[p] - b[p]) <= 1e-4 * norm(a[p]) for p in a) else trials
    return Plan({p: W[p].shape for p in arrays}, constants, last, trials, m, A.size // m, eps)


def measured(task, plan, X, Y, T):
    """{path: a Seen for each loss} of a draw, by Richardson, but at kinks and of unread entries."""
    for shrink in 0.25 ** np.arange(5):
        weights, found, eps, h = drawn(task, plan.arrays, shrink), {}, plan.eps, plan.eps**0.3
        move, soft, A = moved(task, weights, (X, Y)), {}, placed(task, weights) and task.ask(X)
        with suppress(Exception):  # soft: the move with Y near the outputs, if Y may be so
            soft = moved(task, weights, (X, 0.99 * A.reshape(np.shape(Y)) + 0.01 * np.array(Y)))
        now, noise, P = placed(task, weights), 3 * eps * abs(A).max() / h, pulls(task, A, Y, T)
        for p, v in move.items():
            W, S, own = np.array(now[p][0]), [], np.finfo(np.array(now[p][0]).dtype).eps
            some = np.argsort(task.rng.random(v.size) * (1 + (v.ravel() == 0)))[:60]
            for i in some:
                B, x = [], []
                for step in (h, -h, 2 * h, -2 * h, 9, -9, 0):  # 0: as it was
                    V = W.copy()
                    V.flat[i] += step
                    write(now[p], V)
                    B, x = [*B, task.ask(X).ravel()], [*x, float(V.flat[i])]
                D1, D2 = (B[0] - B[1]) / (x[0] - x[1]), (B[2] - B[3]) / (x[2] - x[3])
                gap, unread = abs(D1 - D2), np.ptp(B, axis=0).max() == 0
                bad = unread or gap.max() > 1e-3 * abs(D1).max() + noise
                S.append([P @ (4 * D1 - D2) / (np.nan if bad else 3), abs(P) @ (gap / 3 + noise)])
            W, v, s = (a.ravel()[some] for a in (W, v, 100 * soft.get(p, np.nan * v)))
            u, n = own * np.maximum(abs(W), abs(W + v)), [norm(move[p]), abs(move[p]).max()]
            for g, e in np.transpose(S):
                e = e + max(1e-6, 50 * eps, 50 * own) * np.nanmax(abs(g), initial=0)
                x = np.array([v, s, g, e, u, W])[:, np.isfinite(g)]
                found.setdefault(p, []).append(Seen(*x, -(x[0] @ x[2]) / (x[2] @ x[2]), n))
        clear = [any(norm(x.g) > 10 * norm(x.e) for x in xs) for xs in found.values()]
        if all(clear) and not (0 <= A.min() < 1e-4 and A.max() <= 1):
            break
    return found


def follows(x, c):
    """Whether x moves by -c times its slope; None where a slope of 0 or rounding hides that."""
    far, step = abs(c) * x.e + x.u, abs(c * x.g)
    clear = far.max(initial=0) < 0.1 * step.max(initial=0)
    return False if not np.all(abs(x.v + c * x.g) <= far) else True if clear else None


def fitted(draws, j, last, k):
    """Of loss j: (last is along, evidence, cosine of moves; c by draw, {path: Seen} by draw)."""
    exact, sure, near, cs = True, 0, 0, []
    for draw in (draws := [{p: xs[j] for p, xs in draw.items()} for draw in draws]):
        own = {p: x.c for p, x in draw.items() if follows(x, x.c)}
        many = {p: sum(follows(x, c) is True for x in draw.values()) for p, c in own.items()}
        half = len(draw) / 2 + 0.25  # what fewer follow than follow not outvotes the last layer
        best = max(own, key=lambda p: (own[p] > 0, max(many[p], half * (p == last))), default=None)
        wide = [p for p in own if np.sum(abs(draw[p].g) > 1e-3 * abs(draw[p].g).max()) > k]
        exact, most = exact and own.get(last, 0) > 0, max(many.values(), default=1)
        sure = max(sure, len(wide) + most - 1)
        v, g = np.concatenate([[x.v, x.g] for x in draw.values()], axis=1)
        near -= (v @ g / max(norm(v) * norm(g), 1e-300) if g.size else 2) / len(draws)
        cs.append(float(abs(own.get(best, v @ g / max(g @ g, 1e-300)))))
    return exact, sure, round(near, 6), cs, draws, j


def told(p, xs, cs, m, saved):
    """The Row of an array: does it move by -c times its slope, and what else."""
    states = [follows(x, c) for x, c in zip(xs, cs)]
    if True in states or False not in states:
        words = PARTLY if False in states else "right" if True in states else UNSEEN
        return Row(p, words == "right" or None, words)
    x, c = xs[states.index(False)], cs[states.index(False)]
    r, off, i = x.c / c, x.v + c * x.g, abs(x.v + c * x.g).argmax()
    if np.isnan(x.v).any() or not x.v.any():
        return Row(p, False, "has another shape after the step" if x.v.any() else "does not move")
    if np.isclose(xs[0].n, xs[-1].n, 1e-6, 0).any() and np.any(abs(x.v) > 99 * x.u):
        return Row(p, None, SAME)
    early = norm(x.s + c * x.g) < 0.1 * norm(off)  # the step is right where the error is small
    if not early and norm(off) < (0.01 if follows(x, x.c) else 2e-4) * norm(c * x.g):
        return Row(p, None, "nearly along its slope: an epsilon in it? Does the rate decay?")
    if follows(x, x.c):
        far = f"1/{1 / r:.4g}" if abs(r) < 0.9 and np.isclose(1 / r, round(1 / r)) else f"{r:.5g}"
        why = [("uphill", -1), (f"the 1/m of {m} samples is missing, or there twice", m)]
        why += [("lr is missing, or there twice", v) for v, _ in saved.values() if type(v) is float]
        why = [f": {text}" for text, a in why if np.isclose([r, r * a], [a, 1], 1e-4, 0).any()]
        return Row(p, False, f"{far} times as far as the others" + "".join(why[:1]))
    for name, of in (("the array itself", np.array), ("its signs", np.sign)):
        more, far, f = np.hstack([(x.v / c + x.g, x.u / c + x.e, of(x.W)) for x, c in zip(xs, cs)])
        if x.g.size > 1 and np.all(abs(more - (k := more @ f / (f @ f)) * f) <= far):
            return Row(p, None, f"{-k:.3g} times {name} is missing: a penalty?")
    text = f"not along its slope: an entry moves by {x.v[i]:.3g}, right is {0 - c * x.g[i]:.3g}"
    return Row(p, False, text + ": updated before the error has passed back?" * bool(early))


def judged(net, predict, step, X, Y, loss=None):
    """What check_gradients says, as a Judged."""
    ask, data = lambda X: read(predict(deepcopy(X))), deepcopy((X, Y))
    saved = {p: (v, deepcopy(v)) for p, (v, _) in walk(net).items()}
    task = Task(net, predict, ask, step, *data, loss, saved, np.random.default_rng(0))
    try:
        with redirect_stdout(StringIO()), np.errstate(all="ignore"):
            plan = survey(task)
            if isinstance(plan, str):
                return Judged(None, plan, None, [], [], 1)
            draws = [measured(task, plan, *plan.trials[-i]) for i in (0, 1)]
            fits = [fitted(draws, j, plan.last, plan.k) for j in range(1 if loss else 5)]
            _, sure, near, cs, draws, j = max(fits, key=lambda fit: fit[:3])
            rows = [told(p, [d[p] for d in draws], cs, plan.m, saved) for p in plan.arrays]
    finally:
        placed(task)
    wrong = [row.path for row in rows if row.follows is False]
    none = not sure or bool(near > 0.99) and not any(row.follows for row in rows)
    why = [NONE] * bool(none and wrong) + [w for _, f, w in rows if f is None] or [NONE] * none
    right = None if none and not loss or SAME in why else not (wrong or none) and (not why or None)
    rows += [Row(p, None, "does not move: a constant?") for p in plan.constants]
    name = LOSSES[j] + " (or any: one output of one sample)" * (np.size(plan.trials[-1][2]) == 1)
    name = "nearest: " * bool(none and wrong) + ("your loss" if loss else name)
    return Judged(right, ", ".join(wrong if right is False else why[:1]), name, cs, rows, plan.m)


def check_gradients(net, predict, step, X, Y, *, loss=None):
    """Print whether each array of net moves as it should; return True, False, or None (not told).

    net holds the arrays or is a function that returns them; predict(X): outputs; step(X, Y) trains
    once; X, Y: a few samples in the network's own layout; loss(A, Y): a number, for other losses.
    """
    try:
        j = judged(net, predict, step, X, Y, loss)
    except Exception:
        asked = [what for what in ("step", "loss") if f"task.{what}(" in format_exc()] + ["predict"]
        print(f"{asked[0]} fails with X of shape {np.shape(X)}:")
        raise
    for c in [c for c in j.c[:1] if c]:
        rate = f" = {c * j.m:.2g} / {j.m} samples" if f"{c * j.m:.2g}" == f"{c * j.m:.4g}" else ""
        print(fill(f"{j.loss}, c = {c:.4g}" + rate * (j.m > 1), 79))
    for row in j.rows:
        print(fill(f"  {row.path:7} {row.words}", 79, subsequent_indent=" " * 10))
    print(fill({True: "RIGHT", False: "WRONG: ", None: "NOT JUDGED: "}[j.verdict] + j.words, 79))
    return j.verdict
