# grading/diagnosis.py of backprop.py. SPDX-License-Identifier: MIT-0
import contextlib
from itertools import combinations

import numpy as np

from grading.answers import ask, call, digits, edited, judged, layers_of, plain_values, same
from grading.mistakes import CATALOGUE
from grading.networks import HIDDEN, TEXT, networks
from grading.words import listed, plural


def recognised(file, six):
    """Return (words, hidden activation) of the mistakes that give the file's numbers.

    It looks for one mistake, in backward also for one in each gradient; then for two at once.
    """
    layers, hiddens = layers_of(file, six), [file.g] if file.known else HIDDEN
    for kind in ("irregular", "square"):  # until an answer is wrong in numbers
        cases = [(k, each) for k, each in enumerate(judged(file, six, kind)) if each.values]
        off = [(key, each.net) for _, each in cases for key in each.wrong]
        if off:
            break
    else:
        return "", None
    cases.sort(key=lambda case: not case[1].wrong)  # where most mistakes differ comes first

    def part_of(key, net):
        return f"d{key[0]}", len(net["sizes"]) - 1 - int(key[1:])  # layers count from the last

    def fits(text, hidden, part=None):
        for k, (net, _, right, _, yours, *_) in cases:
            keys = [key for key in right if part is None or part_of(key, net) == part]
            if not same(yours, plain_values(hidden, six, kind, k, layers, text), keys):
                return False
        return True

    ones = [(edited(TEXT[six], edits), words) for edits, words in CATALOGUE[six]]
    for hidden in hiddens:
        if words := [words for text, words in ones if text and fits(text, hidden)]:
            return ", or ".join(dict.fromkeys(words)), hidden
    each = {part_of(*of): [] for of in off} if six == "backward" else {}
    for part in each:
        each[part] = [words for text, words in ones if text and fits(text, file.g, part)]
    if not each or not all(each.values()):
        for (a, words), (b, more) in combinations(CATALOGUE[six], 2):
            text = edited(edited(TEXT[six], a), b)
            if fit := [hidden for hidden in hiddens if text and fits(text, hidden)]:
                return f"{words}; and {more}", fit[0]
    named = {}
    for (d, k), words in sorted(each.items()):
        if words:  # those that explain most
            words = max(words, key=lambda word: sum(word in of for of in each.values()))
            l = f"L-{k}" if k else "L"
            named.setdefault(words, []).append(d + (l if layers is None else str(layers + 1 - k)))
    if len(named) == 1 and all(each.values()):
        return [*named][0], file.g
    return "; ".join(f"in {listed(parts)}: {words}" for words, parts in named.items()), file.g


def where(file, six):
    """Return in words which parts are right and which are wrong, or ""."""
    read = [each for each in judged(file, six, "irregular") if each.values and each.wrong]
    if six not in ("backward", "update", "train") or not read:
        return ""
    said = {"backward": "d{}", "train": "the params"}.get(six, "{}")
    names = {key: key if key == "losses" else said.format(key) for key in read[0].right}
    off = list(dict.fromkeys(names[key] for key in names if key in read[0].wrong))
    fine = list(dict.fromkeys(name for name in names.values() if name not in off))
    if six == "backward" and not fine:
        return "no gradient is right, nor are the last layer's, dZ = A - Y, dW = dZ @ A_prev.T / m"
    return f"wrong in {listed(off)}, right in {listed(fine)}" if fine else ""


UNSTEADY = "gives different results for the same input: it draws, or keeps something between calls"
FURTHER = {
    "init_params": "all units of a hidden layer start with the same weights",
    "forward": "A is not what the formulas give with sigmoid, tanh or ReLU in hidden layers",
    "bce": "not what the formula gives",
    "backward": "the mistake is in backward, or in what forward keeps for it",
    "update": "not P - lr * dP",
    "train": "neither losses nor params are those of steps over all samples",
}


def explain(file, six, smallest):
    """Return in words what is wrong with a function (where, and what), and the mistake alone."""
    first, second = (ask(file, six, smallest.net).values for _ in range(2))
    if not (same(first, second) and same(first, smallest.values)):
        return UNSTEADY, UNSTEADY
    said, (what, _) = [smallest.complaint or where(file, six)], recognised(file, six)
    if what:
        return ": ".join(filter(None, [*said, what])), what
    depths = {len(each.net["sizes"]) - 2 for each in judged(file, six)}
    off = {len(each.net["sizes"]) - 2 for each in judged(file, six) if each.wrong}
    if six in ("forward", "backward", "update") and depths > off:
        fine = plural(listed(sorted(depths - off)), "hidden layer")
        said.insert(0, f"right with {fine}, not with {listed(sorted(off))}")
    if 2 <= digits(file, six) < 10:
        said.append(f"agrees to {digits(file, six)} digits only")
    elif six == "backward" or said == [""]:
        said.append(FURTHER[six])
    return "; ".join(filter(None, said)), ""


SPREADS = {  # of weights from 300 inputs to 250 units
    "1/sqrt(n_prev), as in article 1": (1 / 300) ** 0.5,
    "sqrt(2/n_prev), He's, for ReLU": (2 / 300) ** 0.5,
    "sqrt(2/(n + n_prev)), Glorot's": (2 / 550) ** 0.5,
    **{"0.1, as in article 2": 0.1, "0.01": 0.01, "0.5": 0.5, "1": 1},
}


def remarks(file, six):
    """What is worth knowing about a function that is right."""
    said, net, layers = [], networks(file.hidden)["irregular"][0], layers_of(file, six)
    if six == "init_params":
        sizes = (300, *[250] * (1 if layers is None else layers), 1)
        with contextlib.suppress(Exception):  # it may refuse wide layers
            spread = np.std(call(file, six, {"sizes": sizes})["W1"])
            found = [words for words, std in SPREADS.items() if abs(spread / std - 1) < 0.02]
            said += [f"weights of spread {words}" for words in found if layers != 0]
        return said + ([] if layers is None else [f"for {plural(layers, 'hidden layer')}"])
    if six == "bce":
        edge = ask(file, six, {**net, "A": np.array([[1.0, 0.0]]), "Y": np.array([[1.0, 0.0]])})
        if edge.values and not np.isfinite(edge.values["loss"]).all():
            said.append("nan where A is exactly 0 or 1: clip A")
    if digits(file, six) < 10:
        said.append(f"agrees to {digits(file, six)} digits")
    return said
