# grading/answers.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""What a function makes of a net, and whether that is right."""

import functools
import math
import re
import warnings
from collections import namedtuple
from math import inf

import numpy as np

from grading.conventions import TASKS
from grading.finding import Function
from grading.networks import PLAIN, net_of, networks, plain
from grading.reading import lines_of
from grading.words import described, listed, short

# The conventions of a file's functions. rows: has it samples in rows (None: not known)?
# activation: of its hidden layers, as near as forward tells; known: is that sure? depth: how many
# hidden layers (None: any). carries: is more in params than W and b? unmet: what is not met here.
Style = namedtuple("Style", "rows activation known depth carries unmet")
Subject = namedtuple("Subject", "source functions style")  # whoever is asked
# What came: {label: array} or None; what is wrong with its form, or ""; the error raised, or None.
Answer = namedtuple("Answer", "values complaint error", defaults=("", None))
# An answer beside what is right; which labels are wrong; how far apart, in units of the largest.
Outcome = namedtuple("Outcome", "net right wrong apart answer")


def ask(subject, task, net):
    """Return the Answer to a net."""
    if task == "init_params":
        return patterns(subject, net)
    if task != "update":
        return answer(subject, task, net)
    answers = []  # it may read grads["dW1"], or grads["W1"]
    for d in ("", "d"):
        grads = {d + key: G for key, G in net["grads"].items()}
        answers.append(answer(subject, task, {**net, "grads": grads}))
        values = answers[-1].values or net["params"]
        if any(not np.array_equal(values.get(key), P) for key, P in net["params"].items()):
            return answers[-1]
    return max(answers, key=lambda each: (each.values is not None, not is_lost_key(each.error)))


def is_lost_key(error):
    return isinstance(error, KeyError) and re.fullmatch(r"'d?[WbAZ]\d'", str(error))


def patterns(subject, net):
    """Return the Answer of init_params, for each random entry what is the same each time.

    0: all units of a hidden layer have weights 0, 1: other weights, all the same, 2: neither.
    Weights that are few numbers (-1 and 1, or most of them 0) can be so by chance: 100 draws tell.
    """
    answers, patterned = [answer(subject, "init_params", net)], {}
    for key, P in (answers[0].values or {}).items():
        hidden = key[0] == "W" and f"W{int(key[1:]) + 1}" in answers[0].values and len(P) > 1
        while hidden and not np.ptp(P, axis=0).any() and len(answers) < 100:
            answers.append(answer(subject, "init_params", net))
            P = (answers[-1].values or {}).get(key, P)
        alike = hidden and not np.ptp(P, axis=0).any()
        patterned[key] = np.full(P.shape, P.any() if alike else 2.0)
    return answers[0]._replace(values=patterned or answers[0].values)


def answer(subject, task, net):
    source, _, style = subject
    given = {role: turned(thing, style.rows) for role, thing in net.items()}
    try:
        if task == "bce":  # whose penalty on weights is then 0
            given["params"] = {key: 0 * P for key, P in given["params"].items()}
        if style.carries:  # "L", say, or the names of activations
            made = call(subject, "init_params", given)
            others = {key: P for key, P in made.items() if not isinstance(P, np.ndarray)}
            given["params"] = {**others, **given["params"]}
        if task == "backward":
            given["A"], given["cache"] = output_of(call(subject, "forward", given), net["params"])
        result = call(subject, task, given)
        result = given.get("params") if result is None and task == "update" else result
        return answer_in(result, task, net, style.rows)
    except (Exception, SystemExit) as error:
        return Answer(None, raised(error, source), error)


def turned(thing, rows):
    """Return a copy of arrays, alone or in a dict; with samples in rows all are transposed."""
    if isinstance(thing, dict):
        return {key: turned(P, rows) for key, P in thing.items()}
    return (thing.T if rows else thing).copy() if isinstance(thing, np.ndarray) else thing


def call(subject, task, given):
    """Call the function for a task with what its arguments mean, in silence."""
    given = {**given, **dict(enumerate(given["sizes"])), "off": 0, "on": 1}
    function, _, arguments, *_ = subject.functions[task]
    positional = [given[role] for _, role, by_keyword in arguments if not by_keyword]
    keywords = {name: given[role] for name, role, by_keyword in arguments if by_keyword}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*positional, **keywords)


def output_of(result, params):
    """Return (A, all the rest) of what forward has returned, or (None, None)."""
    if isinstance(result, dict):
        L = sum(1 for key in params if re.fullmatch(r"W\d+", str(key)))
        return result.get(f"A{L}"), result
    if isinstance(result, (tuple, list)) and len(result) > 1:
        return result[0], result[1] if len(result) == 2 else result[1:]
    return None, None


def floats(thing):
    """Return an array of numbers as floats; anything else is a TypeError."""
    array = np.asarray(thing)
    if array.dtype.kind not in "fiubO" or None in array.ravel().tolist():
        raise TypeError
    return array.astype(float)


def answer_in(result, task, net, rows):
    """Return the Answer that is in a result."""
    values, key, P = {}, None, None
    try:
        if task == "bce":
            loss = floats(result)
            return Answer({"loss": loss.reshape(()) if loss.size == 1 else loss})
        if task == "forward":
            return Answer({"A": turned(floats(output_of(result, net["params"])[0]), rows)})
        params = result
        if task == "train":
            params, losses = result
            values["losses"] = floats(losses).ravel()
        named = {key: P for key, P in params.items() if re.fullmatch(r"d?[Wb]\d+", str(key))}
        if any(key[0] == "d" for key in named):
            named = {key[1:]: P for key, P in named.items() if key[0] == "d"}
        if params and not named:
            came = listed(short(repr(key), 20) for key in list(params)[:6])
            return Answer(None, f"returns a dict of {came}, expected W1, b1, ...")
        for key, P in named.items():
            flat = rows and np.ndim(P) == 1  # as b may be beside samples in rows
            values[key] = turned(floats([P] if flat else P), rows)
            if values[key].size == 1:  # a sum alone, as db of one output may be
                values[key] = values[key].reshape(1, 1)
        if values:
            return Answer(values)
    except (AttributeError, TypeError, ValueError):
        if key is not None:
            return Answer(None, f"has {described(P)} as {key}, expected an array of numbers")
    came = described(result)
    if isinstance(result, (tuple, list)) and task in ("forward", "train"):
        came = f"({', '.join(map(described, result[:5]))})"
    return Answer(None, f"returns {came}, expected {TASKS[task][1]}")


def raised(error, source):
    """Return the error in words, and the line of the file that it came from."""
    # NumPy's own words for shapes that do not fit @ speak of gufunc signatures.
    words = re.sub(r"Input operand .*\((size .*)\)", r"shapes do not fit, \1", str(error))
    words = short(f"raises {type(error).__name__}: {words}", 120)
    words = "calls exit()" if isinstance(error, SystemExit) else words
    for line in lines_of(error, source.path)[-1:] if source else ():
        words += f" in {source.places[line - 1]}, {short(source.lines[line - 1], 70)}"
    return words


# ---- Beside what is right ------------------------------------------------------------------------


@functools.cache
def plain_values(activation, task, key, text=PLAIN):
    """Return what the plain functions, or an edited one, make of net_of(*key)."""
    names, style = plain(activation, text), Style(False, activation, True, None, False, "")
    functions = {}
    for each, (roles, _) in TASKS.items():
        arguments = [(role, role, False) for role in roles.split()]
        functions[each] = Function(names[each], each, arguments, [], True, None, "")
    return ask(Subject(None, functions, style), task, net_of(*key)).values


def depth_for(subject, task):
    return subject.functions[task].depth if task == "init_params" else subject.style.depth


def outcomes_of(subject, task, kind):
    """Return what a function makes of the nets of a kind beside what is right, an Outcome each."""
    return [outcome_of(subject, task, net) for net in networks(kind, depth_for(subject, task))]


def outcome_of(subject, task, net):
    rows, right = subject.style.rows, plain_values(subject.style.activation, task, net["key"])
    answer = ask(subject, task, net)
    if answer.values is None:
        return Outcome(net, right, [*right], inf, answer)
    d, wrong, most = "d" if task == "backward" else "", {}, 1e-17
    # The largest entry is the unit; as samples can cancel to 0, it is never below 0.1.
    unit = max(0.1, *(abs(P).max() for P in right.values()))
    for key, P in right.items():
        Q, apart = answer.values.get(key), inf
        if Q is None:
            wrong[key] = f"has no {d}{key}"
        elif Q.shape != P.shape:
            came, meant = (turned(M, rows).shape for M in (Q, P))
            wrong[key] = f"has {d}{key} of shape {came}, expected {meant}"
        elif not (apart := abs(Q - P).max() / unit) < inf:
            wrong[key], apart = f"has nan or infinity in {d}{key}", inf
        elif apart > (1e-3 if task == "bce" else 1e-5):  # as log(A + 1e-5) is
            wrong[key] = ""
        most = max(most, apart)
    if task == "init_params":  # L = len(params) // 2 counts them
        wrong |= {key: f"has {key}, which is too many" for key in answer.values if key not in right}
    complaint = next(filter(None, wrong.values()), "")
    return Outcome(net, right, [*wrong], most, answer._replace(complaint=complaint))


def digits(outcomes):
    """Return to how many digits of the largest entry all answers of a function are right."""
    apart = max(each.apart for each in outcomes)
    return int(-math.log10(apart)) if apart < 1 else 0


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
