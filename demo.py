# SPDX-License-Identifier: MIT-0
"""A tour of backprop.py in eight parts: the experiments of two articles, with scikit-learn beside them.

    python demo.py                               the whole tour, about 20 seconds
    python demo.py capacity article2             only these parts, in this order
    python demo.py boundary --figures pictures   also saves pictures/boundary.png

"Article 1" is "Backpropagation from Scratch"; "article 2" is "ML From Scratch, Part 3: Backpropagation".

A part is a generator. It yields what it finds as soon as it is known: a dict is a row of a table, a string is a
sentence, and a pair (name, draw) is a picture, which draw(fig) paints on an empty matplotlib figure.
"""

import argparse
import os
import platform
import sys
import tempfile
import textwrap
import tracemalloc
import warnings
from timeit import timeit

try:
    import numpy as np
    from joblib import Parallel, delayed
    from sklearn.datasets import load_digits, make_classification, make_moons
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score, roc_curve
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits
except ModuleNotFoundError as error:
    sys.exit(f"demo.py needs {error.name}, which is not installed: pip install numpy scikit-learn")

from backprop import (
    backward,
    bce_with_logits,
    forward,
    init_params,
    loss_and_grads,
    numerical_grads,
    predict_proba,
    train,
)

# How a column is written; other whole numbers with thousands separated, other fractions with three decimals.
FORMATS = {
    "lr": "", "train": ".1%", "test": ".1%", "AUC": ".4f", "1 layer": ".4f", "2 layers": ".4f", "3 layers": ".4f",
    "step": ".0e", "central": ".1e", "complex": ".1e", "sigmoid, xavier": ".1e", "relu, he": ".1e", "apart": ".0e",
    "train ms": ".1f", "MLP ms": ".1f", "ratio": ".2f", "shuffle ms": ".1f", "ratio 2": ".2f", "ms": ".2f",
    "ns a sample": ".0f", "extra MB": ".1f",
}  # fmt: skip

# Four of Okabe and Ito's colours, which colour-blind eyes can tell apart, each with a line style of its own.
RED, BLUE = "#D55E00", "#0072B2"
STYLE = {
    "font.size": 12, "axes.titlesize": 12, "figure.titlesize": 12, "figure.dpi": 120, "lines.linewidth": 2,
    "lines.markersize": 7, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "0.9", "axes.axisbelow": True, "legend.frameon": False,
    "axes.prop_cycle": f"cycler(color=['{RED}', '{BLUE}', '#009E73', 'black'], linestyle=['-', '--', '-.', ':'])",
}  # fmt: skip
LOSS = "loss (binary cross-entropy, nats)"


def split(X, y, **options):
    """Return X_train, X_test, y_train, y_test, samples in columns; y stays flat, as scikit-learn has it."""
    X_train, X_test, y_train, y_test = train_test_split(X, y, **options)
    return X_train.T, X_test.T, y_train, y_test


def article1_data():
    """Return 800 + 200 samples x 10 features. Which data and which 200 the article does not say: seed 0, twice."""
    return split(*make_classification(n_samples=1000, n_features=10, random_state=0), test_size=0.2, random_state=0)


def article2_data():
    """Return 4000 + 1000 samples x 20 features, article 2's own."""
    X, y = make_classification(
        n_samples=5000, n_features=20, n_informative=15, n_redundant=3, n_repeated=0, n_classes=2, flip_y=0.05,
        class_sep=1.0, shuffle=True, random_state=42,
    )  # fmt: skip
    return split(X, y, test_size=0.2, shuffle=False)


def digits_data():
    """Return 1347 + 450 handwritten digits, 64 standardised pixels each, and whether they are odd."""
    X_train, X_test, y_train, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train).T, scaler.transform(X_test).T, y_train % 2, y_test % 2


def ours(params, activation="sigmoid"):
    """Return the function X -> flat probabilities of a network of ours; `theirs` is scikit-learn's."""
    return lambda X: predict_proba(params, X, activation)[0]


def theirs(model):
    return lambda X: model.predict_proba(X.T)[:, 1]


def scores(data, probabilities):
    """Return the columns loss and train (of the training set), test and AUC (of the test set)."""
    X, X_test, y, y_test = data
    p, p_test = probabilities(X), probabilities(X_test)
    accuracies = {"train": accuracy_score(y, p >= 0.5), "test": accuracy_score(y_test, p_test >= 0.5)}
    return {"loss": log_loss(y, p), **accuracies, "AUC": roc_auc_score(y_test, p_test)}


def complex_step_grads(params, X, Y, step):
    """Return grads as Im loss(params + i step) / step, entry by entry: no difference, hence no cancellation."""
    grads = {}
    for key, P in params.items():
        slopes = []
        for i in range(P.size):
            moved = {key: P.astype(complex) for key, P in params.items()}
            moved[key].flat[i] += 1j * step
            Z = forward(moved, X)[1][f"Z{len(params) // 2}"]
            # bce_with_logits uses abs and max, which have no complex derivative; this log(1 + exp(Z)) has one.
            loss = (Z / 2 + np.log(2 * np.cosh(Z / 2)) - Y * Z).mean()
            slopes.append(loss.imag / step)
        grads[key] = np.reshape(slopes, P.shape)
    return grads


def gradient_check(seed=0, n_samples=500, exponents=(1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 30)):
    """the derivatives of article 2's network, by the chain rule and by two numerical methods."""
    params = init_params((20, 8, 3, 1), seed, scale=0.1)
    yield (
        f"[8, 3] on 20 features has {sum(P.size for P in params.values())} parameters (article 2: 199). Below, the "
        "largest difference to `backward` in any of W1, b1, ..., relative to that array's largest entry."
    )
    X, _, y, _ = article2_data()
    X, Y = X[:, :n_samples], y[None, :n_samples]
    grads = backward(params, forward(params, X)[1], Y)

    def difference(others):
        return max(np.abs(others[key] - G).max() / np.abs(G).max() for key, G in grads.items())

    rows = []
    for step in (10.0**-e for e in exponents):
        central = numerical_grads(lambda params: bce_with_logits(forward(params, X)[1]["Z3"], Y), params, eps=step)
        by_complex_step = complex_step_grads(params, X, Y, step)
        rows.append({"step": step, "central": difference(central), "complex": difference(by_complex_step)})
        yield rows[-1]
    best, last = min(rows, key=lambda row: row["central"]), rows[-1]
    yield (
        f"Central differences are {best['central']:.0e} off at best, with a step of {best['step']:.0e}. Larger steps "
        "see the curve bend (truncation, falling with the square of the step); smaller ones subtract two nearly equal "
        f"losses (rounding). The complex step subtracts nothing: {last['complex']:.0e} off with {last['step']:.0e}."
    )

    def draw(fig):
        ax, (steps, *curves) = fig.subplots(), zip(*(row.values() for row in rows))
        ax.loglog(steps, np.transpose(curves), marker="o", label=["central differences", "complex step"])
        ax.text(1e-8, 1e-2, "rounding", color=RED)
        ax.text(1e-5, 1e-12, "truncation", color=BLUE)
        ax.set(xlabel="step size", ylabel="largest relative difference", title="Two ways to check `backward`")
        ax.legend(loc="center left")

    yield "gradient-check", draw


def article1(seed=0, steps=1000, batch_size=32):
    """its [10, 8, 4, 1] at its lr, at one that reaches its headline, and in mini-batches."""
    yield "Three runs from the same random weights, on 800 samples x 10 features; 200 more are for the test."
    data = X, _, y, _ = article1_data()
    params, epoch, curves = init_params((10, 8, 4, 1), seed), -(-y.size // batch_size), []
    said = {"start": 0.69, "loss": 0.15, "train": None, "test": 0.96, "AUC": None}
    yield {"run": "article 1 (loss: below 0.15)", "lr": 0.01, "steps": 1000, **said}
    for run, lr, n, options in (
        ("full batch", 0.01, steps, {}),
        ("full batch", 1.0, steps, {}),
        (f"batches of {batch_size}, {steps} epochs", 0.01, steps * epoch, {"batch_size": batch_size, "rng": seed}),
    ):
        trained, losses = train(params, X, y, lr=lr, steps=n, **options)
        curves.append(losses.reshape(steps, -1).mean(axis=1))
        first = loss_and_grads(params, X, y[None])[0]
        yield {"run": run, "lr": lr, "steps": n, "start": first, **scores(data, ours(trained))}
    (slow, fast, _), same = curves, round(0.01 * steps)
    below = np.flatnonzero(fast < 0.15)
    yield (
        f"lr 0.01 cannot get there because {steps} steps of it go no further than {same} steps of lr 1.0 (loss "
        f"{slow[-1]:.3f} here, {fast[same]:.3f} there), which needs {below[0] if below.size else f'over {steps}'} to "
        f"come below 0.15. Mini-batches take {epoch} steps in each epoch, and so go {epoch} times as far."
    )

    def draw(fig):
        ax, literal = fig.subplots(), "lr 0.01, full batch (the article's setting)"
        labels = [literal, "lr 1.0, full batch", f"lr 0.01, batches of {batch_size}, mean of each epoch"]
        for curve, label in zip(curves, labels):
            ax.plot(curve, label=label)
        ax.axhline(0.15, color="black", linestyle=":", label="the article's result: below 0.15")
        ax.set(xlabel="epoch (passes over the 800 training samples)", ylabel=LOSS, ylim=(0, None))
        ax.set_title("One network, one start, three ways to train it")
        ax.legend(loc="center right", bbox_to_anchor=(1, 0.62))

    yield "article1", draw


def article2(seed=0, steps=2000):
    """its logistic regression, stuck at 72 % and converged, and its [8, 3]."""
    yield f"4000 samples x 20 features to learn from, 1000 for test and AUC; {steps} full-batch steps."
    data = X, X_test, y, y_test = article2_data()
    said = {"model": None, "lr": 1.0, "loss": None}
    yield {**said, "model": "article 2: logistic regression", "train": 0.719, "test": 0.717, "AUC": 0.7866}
    start, curves, curve_of = init_params((20, 1), seed, scale=0.1), {}, {}
    for lr in (1.0, 0.1):
        params, curves[lr] = train(start, X, y, lr=lr, steps=steps)
        curve_of[f"logistic regression, lr {lr}"] = ours(params)
        yield {"model": "logistic regression", "lr": lr, **scores(data, ours(params))}
        if lr == 1.0:
            one_more, _ = train(params, X, y, lr=lr, steps=1)
            yield {"model": "  one step later", "lr": lr, **scores(data, ours(one_more))}
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(X.T, y)
    curve_of["scikit-learn, no penalty"] = theirs(model)
    linear = {"model": "scikit-learn LogisticRegression", "lr": None, **scores(data, theirs(model))}
    yield linear
    # c, the largest eigenvalue of the Hessian at the minimum. Unless lr < 2 / c, each step overshoots by more.
    X1, A = np.vstack([X, np.ones(y.size)]), predict_proba(params, X)
    c = np.linalg.eigvalsh(X1 * (A * (1 - A)) @ X1.T / y.size)[-1]

    yield {**said, "model": "article 2: [8, 3]", "train": 0.95, "test": 0.91, "AUC": 0.96}
    params, _ = train(init_params((20, 8, 3, 1), seed, scale=0.1), X, y, lr=1.0, steps=steps)
    curve_of["[8, 3], lr 1.0"] = ours(params)
    network = {"model": "[8, 3]", "lr": 1.0, **scores(data, ours(params))}
    yield network
    low, high = sorted(curves[1.0][-2:])
    yield (
        f"72 % is not all that a linear model can do. This loss has a curvature of {c:.2f} at its minimum, and "
        f"gradient descent settles there only if lr < 2 / {c:.2f} = {2 / c:.2f}. At lr 1.0 it ends in a cycle of two, "
        f"losses {low:.3f} and {high:.3f}, and the accuracy depends on where one stops. At lr 0.1 it arrives where "
        f"scikit-learn does, {linear['test']:.1%} of the test samples. [8, 3], which is not linear, has "
        f"{network['test']:.1%}."
    )

    def draw_roc(fig):
        ax, styles = fig.subplots(), ((RED, "-.", 2), ("#E69F00", "-", 4), ("black", "--", 1), (BLUE, "-", 2))
        for (name, probabilities), (color, line, width) in zip(curve_of.items(), styles):
            fpr, tpr, _ = roc_curve(y_test, probabilities(X_test))
            auc = roc_auc_score(y_test, probabilities(X_test))
            ax.plot(fpr, tpr, line, color=color, lw=width, label=f"{name}: AUC {auc:.3f}")
        ax.plot([0, 1], [0, 1], "-", color="0.6", lw=1)
        ax.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC curves on article 2's test set")
        ax.legend(loc="lower right")

    def draw_loss(fig):
        axes = fig.subplots(1, 2, sharey=True)
        for ax, title, shown in zip(axes, ("the first 50 steps", "the last 30 steps"), (slice(50), slice(-30, None))):
            for lr, losses in curves.items():
                ax.plot(np.arange(steps)[shown], losses[shown], lw=1, marker="o", ms=4, label=f"lr {lr}")
            ax.set(xlabel="step", title=title)
        axes[0].set_ylabel(LOSS)
        axes[1].legend(loc="upper right")
        fig.suptitle("Logistic regression: a cycle of two steps at lr 1.0")

    yield "article2-roc", draw_roc
    yield "article2-loss", draw_loss


def capacity_auc(hidden, seed, steps, data):
    """Return the test AUC of one network: a function of its own, so that joblib can send it to another process."""
    X, X_test, y, y_test = data
    # float32 takes half the time of float64, and moves these AUCs by less than another seed does.
    params = init_params((20, *hidden, 1), seed, scale=0.1, dtype=np.float32)
    params, _ = train(params, X.astype(np.float32), y, lr=1.0, steps=steps)
    return roc_auc_score(y_test, ours(params)(X_test))


def capacity(seed=0, steps=2000, totals=(2, 4, 6, 8, 10, 15, 20), repeats=3, n_jobs=-1):
    """article 2's last figure, test AUC by number of hidden nodes. Is there an elbow near 10?"""
    yield (
        f"Each number is the median of {repeats} networks, each trained as in article 2 from other random weights, its "
        "nodes shared out evenly among its layers."
    )
    data, points = article2_data(), {"1 layer": {}, "2 layers": {}, "3 layers": {}}
    shapes = {n: [[n // k + (i < n % k) for i in range(k)] for k in (1, 2, 3) if k <= n] for n in totals}
    seeds = range(seed, seed + repeats)
    tasks = (delayed(capacity_auc)(hidden, s, steps, data) for row in shapes.values() for hidden in row for s in seeds)
    aucs = Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    for n, row in shapes.items():
        for layers, _ in zip(points, row):
            points[layers][n] = [next(aucs) for _ in seeds]
        yield {"nodes": n, **{layers: np.median(auc[n]) if n in auc else None for layers, auc in points.items()}}
    medians = {layers: {n: np.median(aucs) for n, aucs in auc.items()} for layers, auc in points.items() if auc}
    elbows = {name: min(n for n in auc if auc[n] > max(auc.values()) - 0.02) for name, auc in medians.items()}
    near = [layers for layers, n in elbows.items() if 5 <= n <= 15]
    some = f"shows with {' and '.join(near)} only: it depends on how the nodes are stacked"
    yield (
        f"The AUC comes within 0.02 of its best at {', '.join(f'{n} nodes in {name}' for name, n in elbows.items())}. "
        "The article's elbow around 10 nodes (5 to 15) "
        + {0: "does not show.", len(elbows): "shows with all of them."}.get(len(near), f"{some}.")
    )

    def draw(fig):
        ax = fig.subplots()
        for (layers, auc), marker, shift in zip(points.items(), "os^", (-0.12, 0, 0.12)):
            (line,) = ax.plot(list(medians[layers]), list(medians[layers].values()), lw=1)
            for n, values in auc.items():
                label = layers.replace(" ", " hidden ") if n == max(auc) else None
                ax.plot([n + shift] * len(values), values, marker, color=line.get_color(), ms=5, label=label)
        ax.axvline(10, color="black", lw=1, linestyle=":", label="the article's elbow")
        ax.set(xlabel="hidden nodes, all layers together", ylabel="AUC on the test set", xticks=totals)
        ax.set_title(f"{repeats} networks of each shape, and the line through their medians")
        ax.legend(loc="lower right")

    yield "capacity", draw


def symmetry(seed=0, steps=1000):
    """why both articles start from random weights: equal units stay equal."""
    yield f"Article 2's [8, 3], data and lr 1.0. How many units differ (in 6 decimals) after {steps} steps?"
    data, rows, random = article2_data(), [], init_params((20, 8, 3, 1), seed, scale=0.1)
    for name, params in (
        ("all 0", {key: np.full_like(P, 0) for key, P in random.items()}),
        ("all 0.1", {key: np.full_like(P, 0.1) for key, P in random.items()}),
        ("random, N(0, 0.1^2)", random),
    ):
        params, _ = train(params, data[0], data[2], lr=1.0, steps=steps)
        units = [np.hstack([params[f"W{l}"], params[f"b{l}"]]).round(6) for l in (1, 2)]
        different = {f"units in layer {l}": len(np.unique(units[l - 1], axis=0)) for l in (1, 2)}
        rows.append({"weights at the start": name, **different, **scores(data, ours(params))})
        yield rows[-1]
    zero, equal, random = rows
    yield (
        f"Equal units get equal gradients and stay equal: 8 are worth {equal['units in layer 1']}, 3 are worth "
        f"{equal['units in layer 2']}. They have {equal['test']:.1%} of the test samples right, from zeros "
        f"{zero['test']:.1%}, random ones {random['test']:.1%}. (Article 1 has zeros break the symmetry; they keep it.)"
    )


def vanishing(seed=0, steps=500, depth=10, width=16, lr=0.1):
    """article 1's last paragraph, the vanishing gradient in a deep network, and its cure, ReLU."""
    yield f"Norm of dW at each layer before the first step; {depth} hidden layers of {width}, article 1's data."
    data = X, _, y, _ = article1_data()
    starts, norms, losses = {}, {}, {}
    for activation, scale in (("sigmoid", "xavier"), ("relu", "he")):
        start = starts[activation] = init_params((10, *[width] * depth, 1), seed, scale=scale)
        grads = loss_and_grads(start, X, y[None], activation)[1]
        norms[f"{activation}, {scale}"] = [np.linalg.norm(grads[f"W{l}"]) for l in range(1, depth + 2)]
    for l in range(depth + 1, 0, -1):
        yield {"layer": l, **{name: norm[l - 1] for name, norm in norms.items()}}
    for name, activation in zip(norms, starts):
        params, curve = train(starts[activation], X, y, lr=lr, steps=steps, activation=activation)
        result = scores(data, ours(params, activation))
        losses[activation] = result["loss"]
        yield {"network": name, "lr": lr, "steps": steps, "start": curve[0], **result}
    by_sigmoid, by_relu = ((norm[0] / norm[-1]) ** (1 / depth) for norm in norms.values())
    yield (
        f"On its way back the gradient is multiplied by {by_sigmoid:.2f} a layer, on average, with sigmoid, whose "
        f"derivative is 1/4 at most, and by {by_relu:.2f} with ReLU, whose derivative is 0 or 1. After {steps} steps "
        f"the losses are {losses['sigmoid']:.3f} (a coin's is log 2 = 0.693) and {losses['relu']:.3f}."
    )

    def draw(fig):
        ax = fig.subplots()
        ax.semilogy(range(1, depth + 2), np.transpose(list(norms.values())), marker="o", label=list(norms))
        ax.set(xlabel="layer (1: next to the input)", ylabel="norm of dW at the start", xticks=range(1, depth + 2))
        ax.set_title(f"The gradient on its way back through {depth} hidden layers")
        ax.legend(loc="lower right")

    yield "vanishing", draw


def digits(seed=0, epochs=50):
    """beyond the articles, real data: is a handwritten digit odd or even?"""
    data = X, X_test, y, y_test = digits_data()
    yield f"{y.size} images of 8 x 8 pixels to learn from, {y_test.size} for the test; {epochs} epochs, batches of 32."
    for name, hidden, lr in (("logistic regression", (), 0.1), ("[32]", (32,), 0.5)):
        start, steps = init_params((64, *hidden, 1), seed), epochs * -(-y.size // 32)
        params, _ = train(start, X, y, lr=lr, steps=steps, batch_size=32, rng=seed)
        yield {"model": name, "lr": lr, **scores(data, ours(params))}
    model = fit(sklearn_network((32,), lr=0.5, batch_size=32, max_iter=epochs, random_state=seed), X.T, y)
    yield {"model": "scikit-learn MLPClassifier, [32]", "lr": 0.5, **scores(data, theirs(model))}
    p = ours(params)(X_test)
    wrong = np.flatnonzero((p >= 0.5) != y_test)
    yield f"One hidden layer is worth it: [32] has only {wrong.size} of {y_test.size} test digits wrong."

    def draw(fig):
        _, images, _, names = train_test_split(*load_digits(return_X_y=True), random_state=0)  # as in digits_data
        fig.suptitle(f"Of {y_test.size} test digits, [32] has {wrong.size} wrong" + ", such as" * (wrong.size > 8))
        for place, i in enumerate(wrong[:8], start=1):
            ax = fig.add_subplot(2, 4, place, title=f"this {names[i]}:\nP(odd) = {p[i]:.3f}")
            ax.imshow(images[i].reshape(8, 8), cmap="gray_r")
            ax.axis("off")

    yield "digits", draw


def boundary(seed=0, steps=3000, n_samples=800):
    """article 2's question, linear or not, where it can be seen: two moons in the plane."""
    data = X, _, y, _ = split(*make_moons(n_samples, noise=0.2, random_state=0), test_size=0.5, random_state=0)
    yield f"{y.size} points to learn from, as many for the test; full batch."
    networks = []
    for name, hidden in (("logistic regression", ()), ("[8, 4]", (8, 4))):
        params, _ = train(init_params((2, *hidden, 1), seed), X, y, lr=3.0, steps=steps)
        result = scores(data, ours(params))
        networks.append((name, params, result["test"]))
        yield {"model": name, "lr": 3.0, "steps": steps, **result}
    gain = 100 * (networks[1][2] - networks[0][2])
    yield f"Without a hidden layer the border is a straight line; one that can bend gains {gain:.1f} points."

    def draw(fig):
        x1, x2 = np.meshgrid(np.linspace(-1.7, 2.7, 300), np.linspace(-1.3, 1.8, 300))
        axes = fig.subplots(1, 2, sharey=True)
        for ax, (name, params, test) in zip(axes, networks):
            P = ours(params)(np.stack([x1.ravel(), x2.ravel()])).reshape(x1.shape)
            regions = ax.contourf(x1, x2, P, levels=np.linspace(0, 1, 11), cmap="RdBu", alpha=0.6)
            ax.contour(x1, x2, P, levels=[0.5], colors="black")
            for label, marker, color in ((0, "o", RED), (1, "s", BLUE)):
                ax.plot(*X[:, y == label], marker, color=color, ms=5, mec="white", mew=0.5)
            ax.set(title=f"{name}\ntest accuracy {test:.1%}", xlabel="feature 1")
            ax.grid(False)
        axes[0].set_ylabel("feature 2")
        fig.colorbar(regions, ax=axes, label="P(class 1)", ticks=[0, 0.5, 1])

    yield "boundary", draw


def sklearn_network(hidden, *, lr, batch_size, **options):
    """Return scikit-learn's network, set to do what `train` does: plain SGD, no penalty, no early end."""
    return MLPClassifier(
        hidden, activation="logistic", solver="sgd", alpha=0, momentum=0, nesterovs_momentum=False,
        learning_rate_init=lr, batch_size=batch_size, tol=0, n_iter_no_change=10**9, **options,
    )  # fmt: skip


def fit(model, X, y):
    """Return the fitted model, without its warning that max_iter steps were taken: here that is the point."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def processor():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def benchmark(seed=0, repeats=7, effort=1.0, sizes=(10_000, 100_000, 1_000_000)):
    """not in the tour, under a minute: `train` against scikit-learn, and what one gradient costs."""
    yield (
        f"{processor()}, numpy {np.__version__}, one BLAS thread; median of {repeats} runs, taken in turns. Both take "
        "the same full-batch steps from equal weights; apart: the largest difference of their final weights. Ratio: "
        "the time of MLPClassifier over that of `train`; ratio 2: if it shuffles before each step, its default."
    )
    first, second, third = article1_data(), article2_data(), digits_data()
    for name, X, y, hidden, steps in (
        ("article 1, [8, 4]", first[0], first[2], (8, 4), 1000),
        ("article 2, [8, 3]", second[0], second[2], (8, 3), 200),
        ("digits, [32]", third[0], third[2], (32,), 200),
        ("a batch of article 1, [8, 4]", first[0][:, :32], first[2][:32], (8, 4), 1000),
    ):
        (n, m), layers, steps = X.shape, range(1, len(hidden) + 2), max(2, round(steps * effort))
        start, rows, times = init_params((n, *hidden, 1), seed), np.ascontiguousarray(X.T), []
        params, _ = train(start, X, y, lr=0.5, steps=steps)
        for _ in range(repeats):
            times.append([timeit(lambda: train(start, X, y, lr=0.5, steps=steps), number=1)])
            for shuffle in (True, False):
                model = sklearn_network(hidden, lr=0.5, batch_size=m, shuffle=shuffle, warm_start=True, max_iter=1)
                fit(model, rows, y)  # makes the arrays, which then get our weights
                model.coefs_ = [start[f"W{l}"].T.copy() for l in layers]
                model.intercepts_ = [start[f"b{l}"][:, 0].copy() for l in layers]
                model.set_params(max_iter=steps)
                times[-1].append(timeit(lambda: fit(model, rows, y), number=1))
        gaps = [params[f"W{l}"] - model.coefs_[l - 1].T for l in layers]
        gaps += [params[f"b{l}"][:, 0] - model.intercepts_[l - 1] for l in layers]
        our_ms, shuffled_ms, plain_ms = 1000 * np.median(times, axis=0)
        yield {
            "data": name, "samples": m, "steps": steps, "apart": max(np.abs(gap).max() for gap in gaps),
            "train ms": our_ms, "MLP ms": plain_ms, "ratio": plain_ms / our_ms,
            "shuffle ms": shuffled_ms, "ratio 2": shuffled_ms / our_ms,
        }  # fmt: skip

    yield "One gradient of [20, 8, 3, 1] by `loss_and_grads`, and the memory it takes beside X and Y:"
    rng, params = np.random.default_rng(seed), init_params((20, 8, 3, 1), seed)
    for m in sizes:
        X, Y = rng.normal(size=(20, m)), rng.integers(0, 2, (1, m))
        taken = np.median([timeit(lambda: loss_and_grads(params, X, Y), number=1) for _ in range(repeats)])
        tracemalloc.start()
        loss_and_grads(params, X, Y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        yield {"samples": m, "ms": 1e3 * taken, "ns a sample": 1e9 * taken / m, "extra MB": peak / 1e6}


TOUR = (gradient_check, article1, article2, capacity, symmetry, vanishing, digits, boundary)
PARTS = {part.__name__.replace("_", "-"): part for part in (*TOUR, benchmark)}


def show(item, header=None):
    """Print a sentence, or a row, under its column names unless those are `header`; return the names."""
    if isinstance(item, str):
        return print(textwrap.fill(item, 100), flush=True)
    cells = []
    for name, value in item.items():
        default = "," if isinstance(value, int) else "" if isinstance(value, str) else ".3f"
        cells.append("-" if value is None else format(value, FORMATS.get(name, default)))
    for line in [cells] if list(item) == header else [list(item), cells]:
        first, rest = line[0], [f"{cell:>{max(len(name), 7)}}" for cell, name in zip(line[1:], list(item)[1:])]
        print(f"{first:32}" if isinstance(next(iter(item.values())), str) else f"{first:>9}", *rest, flush=True)
    return list(item)


def save(path, draw):
    """Save what draw(fig) paints as a PNG, 800 pixels wide."""
    import matplotlib
    from matplotlib.figure import Figure  # by itself, without pyplot, a Figure opens no window: Agg draws it

    with matplotlib.rc_context(STYLE):
        fig = Figure(figsize=(800 / 120, 500 / 120), layout="constrained")
        draw(fig)
        fig.savefig(path)
    print(f"saved {path}", flush=True)


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="demo.py", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__.split("\n\nA part")[0],
        epilog="parts:\n" + "\n".join(f"  {name:15} {part.__doc__}" for name, part in PARTS.items()),
    )  # fmt: skip
    parser.add_argument("parts", nargs="*", metavar="PART", help="what to run (default: all but benchmark)")
    parser.add_argument("--figures", metavar="DIR", help="save pictures in DIR (needs matplotlib)")
    parser.add_argument("--seed", type=int, default=0, help="of the random start (default: 0)")
    args = parser.parse_args(argv)
    for name in args.parts:
        if name not in PARTS:
            parser.error(f"argument PART: invalid choice: {name!r} (choose from {', '.join(PARTS)})")
    if not 0 <= args.seed < 2**32:
        parser.error(f"argument --seed: {args.seed} is not between 0 and 2**32 - 1")
    if args.figures:
        try:
            import matplotlib  # noqa: F401

            os.makedirs(args.figures, exist_ok=True)
            tempfile.TemporaryFile(dir=args.figures).close()
        except ModuleNotFoundError:
            sys.exit("demo.py: --figures needs matplotlib, which is not installed: pip install matplotlib")
        except OSError as error:
            sys.exit(f"demo.py: cannot write to {args.figures}: {error.strerror}")
    # Matrices this small gain nothing from a second BLAS thread, but can wait seconds for one on a busy machine.
    threadpool_limits(1, "blas")
    for name in args.parts or list(PARTS)[: len(TOUR)]:
        print(f"\n{name}: {PARTS[name].__doc__}\n", flush=True)
        header = None
        for item in PARTS[name](seed=args.seed):
            if not isinstance(item, tuple):
                header = show(item, header)
            elif args.figures:
                save(os.path.join(args.figures, f"{item[0]}.png"), item[1])


if __name__ == "__main__":
    main()
