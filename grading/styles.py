# grading/styles.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""Under which conventions a file's functions are written."""

import contextlib
import functools
import re

import numpy as np

from grading.answers import Style, Subject, ask, call, outcomes_of, output_of, plain_values, same
from grading.diagnosis import recognised
from grading.finding import depth_of, functions_of
from grading.networks import ACTIVATIONS, networks
from grading.words import listed

RETURNS_NOTHING = re.compile("returns (nothing|an empty)")  # which is right nowhere


def subject_of(source, skipped=()):
    """Yield ("at", task) before a function is asked; return the Subject, with its Style."""
    functions = {task: of for task, of in functions_of(source).items() if task not in skipped}
    subject = Subject(source, functions, Style(None, "sigmoid", False, depth_of(functions), ""))
    yield "at", "init_params"
    if "init_params" in functions and not functions["init_params"].why:
        subject = with_rows(subject)
    yield "at", "forward"
    if "forward" in functions and not functions["forward"].why:
        subject = with_activation(subject)
    return subject


def styled(subject, **known):
    return subject._replace(style=subject.style._replace(**known))


def with_rows(subject):
    """Find out from init_params whether a file has samples in rows, or params of its own kind."""
    net = networks("irregular", subject.functions["init_params"].depth)[0]
    (n0, n1, *_), answer = net["sizes"], ask(subject, "init_params", net)
    if answer.values is None:
        nothing = answer.error or RETURNS_NOTHING.match(answer.complaint)
        return styled(subject, unmet="" if nothing else f"init_params {answer.complaint}")
    W, b = (answer.values[key].shape if key in answer.values else "" for key in ("W1", "b1"))
    rows = W == (n0, n1) and b in ((1, n1), (n1,))
    usual = (W, b) == ((n1, n0), (n1, 1)) and len(answer.values) == 2 * len(net["sizes"]) - 2
    if rows or usual or not takes_its_own(subject, net):
        return styled(subject, rows=rows)
    made = f"W1 of shape {W} and b1 of {b}" if W and b else f"{listed(answer.values)} alone"
    return styled(subject, rows=rows, unmet=f"init_params makes {made}, and forward takes that")


def takes_its_own(subject, net):
    """Does forward take what init_params makes, whatever its shapes?"""
    for shape in ((net["sizes"][0], 5), (5, net["sizes"][0])):
        with contextlib.suppress(Exception):
            given = {**net, "params": call(subject, "init_params", net), "X": np.ones(shape)}
            if output_of(call(subject, "forward", given), given)[0].size == 5:
                return True
    return False


def with_activation(subject):
    """Find the activation of hidden layers; where init_params has not told it, rows as well."""
    (rows, *_, depth, unmet), apart = subject.style, {}
    for some_rows in (False, True) if rows is None else (rows,):
        for activation in ACTIVATIONS:
            tried = styled(subject, rows=some_rows, activation=activation)
            outcomes = outcomes_of(tried, "forward", "irregular")
            if not any(each.wrong for each in outcomes):
                return styled(tried, known=True)
            apart[tried.style] = sum(min(1, each.apart) for each in outcomes)
    net, as_columns = networks("irregular", depth)[0], styled(subject, rows=False)
    A = ask(as_columns, "forward", {**net, "X": net["X"].T}).values
    rights = [plain_values(each, "forward", net["key"])["A"] for each in ACTIVATIONS]
    if any(same(A, {"A": right.T}) for right in rights):
        unmet = "samples are in rows, and W1 is (n1, n0)"
    nearest = subject._replace(style=min(apart, key=apart.get)._replace(unmet=unmet))
    _, activation = recognised(nearest, "forward", functools.partial(outcomes_of, nearest))
    return styled(nearest, activation=activation or nearest.style.activation)
