# grading/diagnosis.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""What is wrong with a function, in a student's words; what is worth a remark where it is right.

tried(task, kind) gives the Outcomes of a subject, asked once.
"""

import contextlib
from itertools import combinations

import numpy as np

from grading.answers import ask, call, depth_for, digits, plain_values, same
from grading.mistakes import CATALOGUE, edited
from grading.networks import ACTIVATIONS, TEXT, networks
from grading.words import listed, plural

UNSTEADY = "gives different results for the same input: it draws, or keeps something between calls"
NO_GRADIENT = "no gradient is right, nor are the last layer's, dZ = A - Y, dW = dZ @ A_prev.T / m"
FURTHER = {
    "init_params": "all units of a hidden layer start with the same weights",
    "forward": "A is not what the formulas give with sigmoid, tanh or ReLU in hidden layers",
    "bce": "not what the formula gives",
    "backward": "the mistake is in backward, or in what forward keeps for it",
    "update": "not P - lr * dP",
    "train": "neither losses nor params are those of steps over all samples",
}
SPREADS = {  # of weights from 300 inputs to 250 units
    "1/sqrt(n_prev), as in article 1": (1 / 300) ** 0.5,
    "sqrt(2/n_prev), He's, for ReLU": (2 / 300) ** 0.5,
    "sqrt(2/(n + n_prev)), Glorot's": (2 / 550) ** 0.5,
    **{"0.1, as in article 2": 0.1, "0.01": 0.01, "0.5": 0.5, "1": 1},
}


def explained(subject, task, tried, smallest):
    """Return in words what is wrong with a function (where, and what), and the mistake alone.

    smallest: the Outcome of the smallest net on which it shows.
    """
    again = (ask(subject, task, smallest.net).values for _ in range(2))
    if not all(same(values, smallest.answer.values) for values in again):
        return UNSTEADY, UNSTEADY
    said = [smallest.answer.complaint or parts_of(task, tried)]
    mistake, _ = recognised(subject, task, tried)
    if mistake:
        return ": ".join(filter(None, [*said, mistake])), mistake
    outcomes = tried(task, "small") + tried(task, "irregular")
    depths, off = (
        {len(each.net["sizes"]) - 2 for each in some}
        for some in (outcomes, [each for each in outcomes if each.wrong])
    )
    if task in ("forward", "backward", "update") and depths > off:
        fine = plural(listed(sorted(depths - off)), "hidden layer")
        said.insert(0, f"right with {fine}, not with {listed(sorted(off))}")
    if 2 <= digits(outcomes) < 10:
        said.append(f"agrees to {digits(outcomes)} digits only")
    elif task == "backward" or said == [""]:
        said.append(FURTHER[task])
    return "; ".join(filter(None, said)), ""


def parts_of(task, tried):
    """Return in words which parts of an answer are right and which are wrong, or ""."""
    wrong = [each for each in tried(task, "irregular") if each.answer.values and each.wrong]
    if task not in ("backward", "update", "train") or not wrong:
        return ""
    written = {"backward": "d{}", "train": "the params"}.get(task, "{}")
    names = {key: key if key == "losses" else written.format(key) for key in wrong[0].right}
    off = list(dict.fromkeys(names[key] for key in names if key in wrong[0].wrong))
    fine = list(dict.fromkeys(name for name in names.values() if name not in off))
    if task == "backward" and not fine:
        return NO_GRADIENT
    return f"wrong in {listed(off)}, right in {listed(fine)}" if fine else ""


def recognised(subject, task, tried):
    """Return (words, hidden activation) of the mistakes that give a function's numbers.

    It looks for one mistake, in backward also for one in each gradient; then for two at once.
    """
    style, depth = subject.style, depth_for(subject, task)
    activations = [style.activation] if style.known else ACTIVATIONS
    for kind in ("irregular", "square"):  # until an answer is wrong in numbers
        cases = [each for each in tried(task, kind) if each.answer.values]
        off = [(key, each.net) for each in cases for key in each.wrong]
        if off:
            break
    else:
        return "", None
    cases.sort(key=lambda case: not case.wrong)  # where most mistakes differ comes first

    def part_of(key, net):
        return f"d{key[0]}", len(net["sizes"]) - 1 - int(key[1:])  # layers count from the last

    def fits(text, activation, part=None):
        for net, right, _, _, yours in cases:
            keys = [key for key in right if part is None or part_of(key, net) == part]
            if not same(yours.values, plain_values(activation, task, net["key"], text), keys):
                return False
        return True

    ones = [(edited(TEXT[task], edits), words) for edits, words in CATALOGUE[task]]
    for activation in activations:
        if words := [words for text, words in ones if text and fits(text, activation)]:
            return ", or ".join(dict.fromkeys(words)), activation
    each = {part_of(*of): [] for of in off} if task == "backward" else {}
    for part in each:
        each[part] = [words for text, words in ones if text and fits(text, style.activation, part)]
        each[part] = each[part] or times_right(cases, lambda key, net: part_of(key, net) == part)
    if times := times_right(cases) if task in ("bce", "backward") else []:
        return times[0], style.activation
    if not each or not all(each.values()):
        for (a, words), (b, more) in combinations(CATALOGUE[task], 2):
            text = edited(edited(TEXT[task], a), b)
            if fit := [one for one in activations if text and fits(text, one)]:
                return f"{words}; and {more}", fit[0]
    named = {}
    for (d, k), words in sorted(each.items()):
        if words:  # those that explain most
            words = max(words, key=lambda word: sum(word in of for of in each.values()))
            l = f"L-{k}" if k else "L"
            named.setdefault(words, []).append(d + (l if depth is None else str(depth + 1 - k)))
    if len(named) == 1 and all(each.values()):
        return [*named][0], style.activation
    return "; ".join(f"in {listed(parts)}: {words}" for words, parts in named.items()), None


def times_right(cases, wanted=lambda key, net: True):
    """Return [words] if all that is wanted of the answers is one number times what is right."""
    keys = [(each, key) for each in cases for key in each.right if wanted(key, each.net)]
    pairs = [(each.answer.values.get(key, np.nan), each.right[key]) for each, key in keys]
    if not pairs or any(np.shape(Q) != P.shape for Q, P in pairs):
        return []
    Q, P = (np.concatenate([each.ravel() for each in some]) for some in zip(*pairs))
    times, fits = Q @ P / (P @ P), len(P) > 2 and Q.any()
    fits = fits and abs(times - 1) > 1e-3 and np.allclose(Q, times * P, 1e-5, 1e-9)
    return [f"{times:.4g} times the right one"] if fits else []


def remarks(subject, task, tried):
    """Return what is worth knowing about a function that is right, a list."""
    said, depth = [], depth_for(subject, task)
    net = networks("irregular", subject.style.depth)[0]
    if task == "init_params":
        sizes = (300, *[250] * (1 if depth is None else depth), 1)
        with contextlib.suppress(Exception):  # it may refuse wide layers
            W = call(subject, task, {"sizes": sizes})["W1"]
            found = [words for words, std in SPREADS.items() if abs(np.std(W) / std - 1) < 0.02]
            said += [f"weights of spread {words}" for words in found if depth != 0]
            said += ["all weights are above 0: randn has both signs"] if np.min(W) >= 0 else []
            if np.std(W) > 5:
                said.append(f"weights of spread {np.std(W):.0f}: sigmoids of them are 0 or 1")
        return said + ([] if depth is None else [f"for {plural(depth, 'hidden layer')}"])
    if task == "bce":
        for A in ([[1.0, 0.0]], [[1e-6, 1 - 1e-6]]):
            edge = {**net, "A": np.array(A), "Y": np.array([[1.0, 0.0]])}
            values = ask(subject, task, edge).values
            if values and not np.isfinite(values["loss"]).all():
                said.append("nan where A is exactly 0 or 1: clip A")
            elif values and A[0][1] and np.max(values["loss"]) < 12:
                at = np.exp(-np.max(values["loss"]))
                said.append(f"A is clipped at {at:.1g}, where 1e-15 is enough")
    if task == "backward" and subject.style.known:
        last = f"b{len(net['params']) // 2}"
        certain = {**net["params"], last: net["params"][last] + 800}  # A is 1
        values = ask(subject, task, {**net, "params": certain}).values
        if values and not all(np.isfinite(G).all() for G in values.values()):
            said.append("nan where A is exactly 0 or 1: dZ = A - Y has no division")
    if task == "forward" and subject.style.known:
        steep = {key: 1000 * P for key, P in net["params"].items()}
        values = ask(subject, task, {**net, "params": steep}).values
        if values and not np.isfinite(values["A"]).all():
            said.append("nan where Z is 1000 or so: exp overflows")
    if (right_to := digits(tried(task, "small") + tried(task, "irregular"))) < 10:
        said.append(f"agrees to {right_to} digits")
    return said
