# grading/verdicts.py of backprop.py. SPDX-License-Identifier: MIT-0
import contextlib
import math

import numpy as np

from grading.answers import ask, call, judged, layers_of, output_of, plain_values, same, turned
from grading.conventions import KNOWN, SIX, bare
from grading.diagnosis import explain, recognised, remarks
from grading.doubts import RETURNS_NOTHING, doubt
from grading.networks import HIDDEN, networks
from grading.words import folded, listed, numbers


def find_rows(file):
    """Find out from init_params whether a file has samples in rows, or params of its own kind."""
    if "init_params" not in file.taken or file.taken["init_params"].why:
        return
    net = networks(layers_of(file, "init_params"))["irregular"][0]
    (n0, n1, *_), (values, complaint, error) = net["sizes"], ask(file, "init_params", net)
    if values is None:
        file.unmet = "" if error or RETURNS_NOTHING.match(complaint) else f"init_params {complaint}"
        return
    W, b = (values[key].shape if key in values else "" for key in ("W1", "b1"))
    file.rows = W == (n0, n1) and b in ((1, n1), (n1,))
    usual = (W, b) == ((n1, n0), (n1, 1)) and len(values) == 2 * len(net["sizes"]) - 2
    if not (file.rows or usual) and takes_its_own(file, net):
        made = f"W1 of shape {W} and b1 of {b}" if W and b else f"{listed(values)} alone"
        file.unmet = f"init_params makes {made}, and forward takes that"


def takes_its_own(file, net):
    """Does forward take what init_params makes, whatever its shapes?"""
    for shape in ((net["sizes"][0], 5), (5, net["sizes"][0])):
        with contextlib.suppress(Exception):
            given = {**net, "params": call(file, "init_params", net), "X": np.ones(shape)}
            if output_of(call(file, "forward", given), given)[0].size == 5:
                return True
    return False


def find_hidden(file):
    """Find the activation of the hidden layers; where init_params has not told it, rows as well."""
    if "forward" not in file.taken or file.taken["forward"].why:
        return
    known_rows, errors = file.rows, {}
    for file.rows in (False, True) if known_rows is None else (known_rows,):
        for file.g in HIDDEN:
            file.judged = {}
            answers = judged(file, "forward", "irregular")
            file.known = not any(each.wrong for each in answers)
            if file.known:
                return
            errors[file.g, file.rows] = sum(min(1, each.apart) for each in answers)
    net, file.rows = networks(file.hidden)["irregular"][0], False
    A = ask(file, "forward", {**net, "X": net["X"].T}).values
    rights = [plain_values(g, "forward", "irregular", 0, file.hidden)["A"] for g in HIDDEN]
    if any(same(A, {"A": right.T}) for right in rights):
        file.unmet = "samples are in rows, and W1 is (n1, n0)"
    file.g, file.rows = min(errors, key=errors.get)
    file.g, file.judged = recognised(file, "forward")[1] or file.g, {}


def settle(file):
    """Find out what a file's conventions are; yield which function is asked next."""
    yield "init_params"
    find_rows(file)
    yield "forward"
    find_hidden(file)


def verdict(file, six, verdicts):
    """Return (verdict, words, lines that show a network), given the verdicts before it."""
    if six not in file.taken:
        lost = sorted(name for name in file.wanted & {*file.failed} if bare(name) in KNOWN[six])
        line, why = file.failed.get([*lost, "*"][0], ("", ""))
        if lost or why.startswith("SyntaxError"):  # where it may be
            return "not judged", f"{line} fails: {why}", []
        return "not there", "", []
    taken, said = file.taken[six], []
    if taken.why:
        return "not judged", taken.why, []
    if not taken.own:
        roles = ", ".join(str(role) for _, role, _ in taken.arguments)
        said = [f"{taken.name}({', '.join(argument for argument, *_ in taken.arguments)})"]
        said[0] += f", taken as {six}({roles})" if taken.guessed else ""

    def so(word, words, lines=()):
        return word, "; ".join(filter(None, [*said, words])), list(lines)

    if six == "backward" and verdicts["forward"] != "right":
        return so("not judged", f"forward is {verdicts['forward'].lower()}")
    for word in ("WRONG", "not judged"):
        theirs = [each for each in verdicts if verdicts[each] == word and each != "init_params"]
        if six == "train" and theirs:  # the mistake may be theirs
            are = "are" if theirs[1:] else "is"
            return so("not judged", f"{listed(theirs)} {are} {word.lower()}")
    smallest = next((each for each in judged(file, six) if each.wrong), None)
    if smallest is None:
        return so("right", "; ".join(remarks(file, six)))
    words, what = explain(file, six, smallest)
    fixed = words.startswith("right with") and not taken.own  # one depth, as by a constant
    if why := doubt(file, six, smallest, what) or (words if fixed else ""):
        return so("not judged", why)
    return so("WRONG", words, shown(file, six, smallest))


def shown(file, six, smallest):
    """The lines that show a network, and what the file makes of it beside what is right."""
    net, wrong, right, _, yours, *_ = smallest
    items, d = {}, "d" if six == "backward" else ""
    for role in SIX[six][0].replace("cache", "X").split():
        named = net[role] if isinstance(net[role], dict) else {role: net[role]}
        items |= {f"d{key}" if role == "grads" else key: P for key, P in named.items()}
    lines = folded(f"{name} = {numbers(turned(P, file.rows))}" for name, P in items.items())
    keys = [key for key in wrong if yours is None or key in yours]
    if keys and six != "init_params":
        P, Q = (turned(of[keys[0]], file.rows) for of in (right, yours or right))
        apart = abs(Q - P).max() if Q.shape == P.shape and np.isfinite(Q).all() else 0
        places = min(16, max(4, 1 - math.floor(math.log10(apart)))) if apart else 4
        came = f"yours {numbers(Q, places)}, " if yours else ""
        said = f"{d}{keys[0]}: {came}right {numbers(P, places)}"
        lines[3:] = ["  ..."] if lines[3:] else []
        lines += folded([said])[:1]
    return lines
