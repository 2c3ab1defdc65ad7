# grading/answers.py of backprop.py. SPDX-License-Identifier: MIT-0
import copy
import functools
import math
import re
import warnings
from collections import namedtuple
from math import inf

import numpy as np

from grading.conventions import SIX
from grading.networks import networks, plain
from grading.reading import lines_of
from grading.words import described, listed, short

# What a function has made of a network: {label: array} or None, what is wrong with its form or "",
# and the error that it has raised or None. Judged: also the labels that are wrong, what is right,
# and how far the numbers are apart, in units of the largest.
Answer = namedtuple("Answer", "values complaint error", defaults=("", None))
Judged = namedtuple("Judged", "net wrong right apart values complaint error")


def turned(thing, rows):
    """A copy of arrays, alone or in a dict; with samples in rows all are transposed."""
    if isinstance(thing, dict):
        return {key: turned(P, rows) for key, P in thing.items()}
    return thing.T.copy() if rows and isinstance(thing, np.ndarray) else copy.copy(thing)


def call(file, six, given):
    """Call one of the six with what its arguments mean, in silence."""
    given = {**given, **dict(enumerate(given["sizes"])), "off": 0, "on": 1}
    arguments = file.taken[six].arguments
    positional = [given[role] for _, role, by_keyword in arguments if not by_keyword]
    keywords = {argument: given[role] for argument, role, by_keyword in arguments if by_keyword}
    if six == "train":
        positional, keywords = positional[:3], {"lr": given["lr"], "steps": given["steps"]}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return file.taken[six].function(*positional, **keywords)


def ask(file, six, net):
    """Return the Answer of one of the six to a network; "step" is update of what backward gives."""
    given = turned(net, file.rows)
    if six == "bce":  # whose penalty on weights is then 0
        given["params"] = {key: 0 * P for key, P in given["params"].items()}
    if six == "update":
        if file.d is None:
            find_keys(file)
        given["grads"] = {file.d + key: G for key, G in given["grads"].items()}
    try:
        if six in ("backward", "step"):
            given["A"], given["cache"] = output_of(call(file, "forward", given), net)
        if six == "step":
            given["grads"], six = call(file, "backward", given), "update"
        result = call(file, six, given)
        result = given["params"] if result is None and six == "update" else result
        return answer_in(file, six, result, net)
    except (Exception, SystemExit) as error:
        return Answer(None, raised(error, file), error)


def output_of(result, net):
    """Return (A, all the rest) of what forward has returned, or (None, None)."""
    if isinstance(result, dict):
        return result.get(f"A{len(net['params']) // 2}"), result
    if isinstance(result, (tuple, list)) and len(result) > 1:
        return result[0], result[1] if len(result) == 2 else result[1:]
    return None, None


def floats(thing):
    """Return an array of numbers as floats; anything else is a TypeError."""
    array = np.asarray(thing)
    if array.dtype.kind not in "fiubO" or None in array.ravel().tolist():
        raise TypeError
    return array.astype(float)


def answer_in(file, six, result, net):
    """Return the Answer that is in a result."""
    empty = "an empty dict" if isinstance(result, dict) and not result else ""
    expected, values = f"returns {empty or described(result)}, expected {SIX[six][1]}", {}
    try:
        if six == "bce":
            loss = floats(result)
            return Answer({"loss": loss.reshape(()) if loss.size == 1 else loss})
        if isinstance(result, (tuple, list)) and six in ("forward", "train"):
            expected = f"returns ({', '.join(map(described, result[:5]))}), expected {SIX[six][1]}"
        if six == "forward":
            A, _ = output_of(result, net)
            A = floats(None if isinstance(A, (list, tuple)) else A)
            return Answer({"A": turned(A, file.rows)})
        if six == "train":
            result, losses = result
            values["losses"] = floats(losses).ravel()
        named = {key: P for key, P in result.items() if re.fullmatch(r"d?[Wb]\d+", str(key))}
        if any(key[0] == "d" for key in named):
            named = {key[1:]: P for key, P in named.items() if key[0] == "d"}
        if result and not named:
            came = listed(short(repr(key), 20) for key in list(result)[:6])
            return Answer(None, f"returns a dict of {came}, expected W1, b1, ...")
        for key, P in named.items():
            expected = f"has {described(P)} as {key}, expected an array of numbers"
            flat = file.rows and np.ndim(P) == 1  # as b may be beside samples in rows
            values[key] = turned(floats([P] if flat else P), file.rows)
            if values[key].size == 1:  # a sum alone, as db of one output may be
                values[key] = values[key].reshape(1, 1)
    except (AttributeError, TypeError, ValueError):
        return Answer(None, expected)
    values = patterns(values) if six == "init_params" else values
    return Answer(values) if values else Answer(None, expected)


def patterns(params):
    """Return random params with what is the same each time in place of each entry.

    0: all units of a hidden layer have weights 0, 1: other weights, all the same, 2: neither.
    """
    made = {}
    for key, P in params.items():
        is_hidden = key[0] == "W" and f"W{int(key[1:]) + 1}" in params and P.ndim == 2
        equal = is_hidden and len(P) > 1 and not np.ptp(P, axis=0).any()
        made[key] = np.full(P.shape, bool(P.any()) if equal else 2.0)
    return made


def raised(error, file):
    """The error in words, and the line of the file that it came from."""
    # NumPy's own words for shapes that do not fit @ speak of gufunc signatures.
    words = re.sub(r"Input operand .*\((size .*)\)", r"shapes do not fit, \1", str(error))
    words = short(f"raises {type(error).__name__}: {words}", 120)
    words = "calls exit()" if isinstance(error, SystemExit) else words
    for line in lines_of(error, file)[-1:]:
        words += f" in {file.places[line - 1]}, {short(file.lines[line - 1], 70)}"
    return words


def layers_of(file, six):
    return file.taken[six].hidden if six == "init_params" else file.hidden


def judge(file, six, kind, k):
    """Return what a function makes of a network beside what is right, Judged."""
    net = networks(layers_of(file, six))[kind][k]
    right = plain_values(file.g, six, kind, k, layers_of(file, six))
    values, complaint, error = ask(file, six, net)
    if values is None:
        return Judged(net, [*right], right, inf, values, complaint, error)
    d, wrong, apart = "d" if six == "backward" else "", {}, 1e-17
    # The largest entry is the unit; as samples can cancel to 0, it is never below 0.1.
    unit = max(0.1, *(abs(P).max() for P in right.values()))
    for key, P in right.items():
        Q = values.get(key)
        if Q is None:
            wrong[key] = f"has no {d}{key}"
        elif Q.shape != P.shape:
            came, meant = (turned(M, file.rows).shape for M in (Q, P))
            wrong[key] = f"has {d}{key} of shape {came}, expected {meant}"
        elif not np.isfinite(Q).all():
            wrong[key] = f"has nan or infinity in {d}{key}"
        elif abs(Q - P).max() > 1e-5 * unit:
            wrong[key] = ""
        apart = inf if wrong.get(key) else max(apart, abs(Q - P).max() / unit)
    if six == "init_params":  # L = len(params) // 2 counts them
        wrong |= {key: f"has {key}, which is too many" for key in values if key not in right}
    complaint = next(filter(None, wrong.values()), "")
    return Judged(net, [*wrong], right, apart, values, complaint, error)


def judged(file, six, *kinds):
    """Return what a function makes of the networks of these kinds (or small, irregular), a list."""
    made = []
    for kind in kinds or ("small", "irregular"):
        if (six, kind) not in file.judged:
            count = len(networks(layers_of(file, six))[kind])
            file.judged[six, kind] = [judge(file, six, kind, k) for k in range(count)]
        made += file.judged[six, kind]
    return made


def digits(file, six):
    """To how many digits of the largest entry all answers of a function are right."""
    apart = max(each.apart for each in judged(file, six))
    return int(-math.log10(apart)) if apart < 1 else 0


def is_right(file, six):
    there = six in file.taken and not file.taken[six].why
    return there and not any(each.wrong for each in judged(file, six))


@functools.cache
def plain_values(hidden, six, kind, k, layers, text=""):
    """Return what the plain functions make of network k of a kind."""
    return ask(plain(hidden, text), six, networks(layers)[kind][k]).values


def find_keys(file):
    """Find out which keys of grads update reads: dW1, or W1."""
    net, tried = networks(file.hidden)["irregular"][0], []
    for file.d in ("", "d"):
        answer = ask(file, "update", net)
        tried.append((answer.values is not None, not is_lost_key(answer.error), file.d))
    *_, file.d = max(tried)


def is_lost_key(error):
    return isinstance(error, KeyError) and re.fullmatch(r"'d?[WbAZ]\d'", str(error))


def same(yours, theirs, keys=None):
    """Do two answers' values agree (under these keys)?"""
    if yours is None or theirs is None or yours.keys() != theirs.keys():
        return yours is theirs
    pairs = [(P, theirs[key]) for key, P in yours.items() if keys is None or key in keys]
    return all(
        P.shape == Q.shape
        and np.allclose(P, Q, 1e-5, 1e-5 * abs(Q[np.isfinite(Q)]).max(initial=0), equal_nan=True)
        for P, Q in pairs
    )


def edited(text, edits):
    """The text with the edits made, or "" where they do not fit, once each."""
    for old, new in edits:
        if text.count(old) != 1:
            return ""
        text = text.replace(old, new)
    return text
