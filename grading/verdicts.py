# grading/verdicts.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""The verdicts: right, WRONG, not judged or not there, each in words, and what shows it."""

import math

import numpy as np

from grading.answers import turned
from grading.conventions import KNOWN, TASKS, bare
from grading.diagnosis import explained, remarks
from grading.doubts import Failure, doubt
from grading.words import folded, listed, numbers


def verdict(subject, task, tried, verdicts):
    """Return (verdict, words, lines that show a net), given {task: verdict} of those before it."""
    source, functions, style = subject
    if task not in functions:
        lost = [name for name in source.wanted & {*source.failed} if bare(name) in KNOWN[task]]
        why = source.failed.get([*sorted(lost), "*"][0], "")
        if lost or "fails: SyntaxError" in why:  # where it may be
            return "not judged", why, []
        return "not there", "", []
    if functions[task].why:
        return "not judged", functions[task].why, []
    word, words, lines = verdict_of(subject, task, tried, verdicts)
    return word, "; ".join(filter(None, [taken_as(task, functions[task]), words])), lines


def taken_as(task, function):
    """Return in words what was taken for a task, where that is not article 1's."""
    if function.own:
        return ""
    roles = ", ".join(str(role) for _, role, _ in function.arguments)
    said = f"{function.name}({', '.join(argument for argument, *_ in function.arguments)})"
    return said + (f", taken as {task}({roles})" if function.guessed else "")


def verdict_of(subject, task, tried, verdicts):
    if task == "backward" and verdicts["forward"] != "right":
        return "not judged", f"forward is {verdicts['forward'].lower()}", []
    for word in ("WRONG", "not judged"):
        theirs = [each for each in verdicts if verdicts[each] == word and each != "init_params"]
        if task == "train" and theirs:  # the mistake may be theirs
            are = "are" if theirs[1:] else "is"
            return "not judged", f"{listed(theirs)} {are} {word.lower()}", []
    outcomes = tried(task, "small") + tried(task, "irregular")
    smallest = next((each for each in outcomes if each.wrong), None)
    if smallest is None:
        return "right", "; ".join(remarks(subject, task, tried)), []
    words, mistake = explained(subject, task, tried, smallest)
    fixed = words.startswith("right with") and not subject.functions[task].own  # by a constant
    failure = Failure(subject, task, tried, smallest, mistake)
    if why := doubt(failure) or (words if fixed else ""):
        return "not judged", why, []
    return "WRONG", words, shown(subject, task, smallest)


# ---- What shows it -------------------------------------------------------------------------------


def shown(subject, task, smallest):
    """Return the lines that show a net, and what the file makes of it beside what is right."""
    net, right, wrong, _, (yours, *_) = smallest
    items, d, rows = {}, "d" if task == "backward" else "", subject.style.rows
    for role in TASKS[task][0].replace("cache", "X").split():
        named = net[role] if isinstance(net[role], dict) else {role: net[role]}
        items |= {f"d{key}" if role == "grads" else key: P for key, P in named.items()}
    lines = folded(f"{name} = {numbers(turned(P, rows))}" for name, P in items.items())
    keys = [key for key in wrong if yours is None or key in yours]
    if keys and task != "init_params":
        P, Q = (turned(of[keys[0]], rows) for of in (right, yours or right))
        apart = abs(Q - P).max() if Q.shape == P.shape and np.isfinite(Q).all() else 0
        places = min(16, max(4, 1 - math.floor(math.log10(apart)))) if apart else 4
        came = f"yours {numbers(Q, places)}, " if yours else ""
        said = f"{d}{keys[0]}: {came}right {numbers(P, places)}"
        lines[3:] = ["  ..."] if lines[3:] else []
        lines += folded([said])[:1]
    return lines
