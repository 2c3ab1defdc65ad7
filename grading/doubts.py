# grading/doubts.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""Why a function whose answers are not article 1's may be right all the same.

Each reason is a function of a Failure that returns it in words, or "". Each has once kept a right
file from being called WRONG.
"""

import re
from collections import namedtuple

from grading.answers import ask, is_lost_key, plain_values, same
from grading.diagnosis import FURTHER, UNSTEADY
from grading.networks import networks
from grading.reading import lines_of, words_in
from grading.styles import RETURNS_NOTHING

# smallest: the Outcome of the smallest net on which a function fails; mistake: recognised, or "".
Failure = namedtuple("Failure", "subject task tried smallest mistake")

OTHER_TASKS = "softmax|leaky|squared|the term [(Y]|classes|lacks its activation"


def doubt(failure):
    """Return the first reason that holds, or ""."""
    own = failure.subject.functions[failure.task].own
    reasons = OF_ANY_FILE if own or is_nothing(failure) else OF_ANY_FILE + UNDER_OTHER_NAMES
    return next(filter(None, (reason(failure) for reason in reasons)), "")


def is_nothing(failure):
    """Does it return nothing, which is right for no task?"""
    return RETURNS_NOTHING.match(failure.smallest.answer.complaint)


def said_of(failure):
    return failure.mistake or failure.smallest.answer.complaint or FURTHER[failure.task]


def is_right(failure, task):
    functions, tried = failure.subject.functions, failure.tried
    there = task in functions and not functions[task].why
    return there and not any(each.wrong for each in tried(task, "small") + tried(task, "irregular"))


# ---- Of any file ---------------------------------------------------------------------------------


def a_name_is_missing(failure):
    error, failed = failure.smallest.answer.error, failure.subject.source.failed
    if type(error) is NameError and {error.name, "*"} & failed.keys():
        return f"it needs {error.name}, and {failed.get(error.name) or failed['*']}"


def a_package_is_missing(failure):
    _, complaint, error = failure.smallest.answer
    return complaint if isinstance(error, ImportError) else ""


def numpy_has_removed_it(failure):
    _, complaint, error = failure.smallest.answer
    if isinstance(error, AttributeError) and re.search(r"'numpy' has no|np\.\w+`? was", str(error)):
        return f"{complaint}: NumPy has removed that"


def conventions_are_not_met(failure):
    unmet = failure.subject.style.unmet
    return f"{unmet}: that is not met here" if unmet and failure.task != "train" else ""


def what_fills_a_table_has_not_run(failure):
    _, complaint, error = failure.smallest.answer
    missed = isinstance(error, (KeyError, AttributeError)) and not is_lost_key(error)
    if missed and "NoneType" not in str(error):
        return f"{complaint}: what fills that may not have run"


def it_refuses(failure):
    """A raise or an assert of its own, which other nets pass."""
    (source, functions, _), task, tried, smallest, _ = failure
    lines = lines_of(smallest.answer.error, source.path)[-1:] if smallest.answer.error else []
    names = [None, *[name for name, *_ in functions[task].arguments]]
    for line in lines:
        own = re.match(r"(?:if .*: *)?raise\b|assert\b\W*(\w+)", source.lines[line - 1].strip())
        if own and own[1] in names:
            if not all(each.wrong for each in tried(task, "small") + tried(task, "irregular")):
                return f"{smallest.answer.complaint}; it is right where it does not refuse"


def it_takes_other_things(failure):
    (source, functions, _), task, _, smallest, _ = failure
    function, (_, complaint, error) = functions[task], smallest.answer
    reads = any(re.fullmatch(r"d?W\d*", word) for word in words_in(source, function.name))
    passes = task in ("forward", "backward")
    if error and (not reads and passes or not function.own and (task == "bce" or not reads)):
        return f"{complaint}; it may take other things"


OF_ANY_FILE = (
    a_name_is_missing,
    a_package_is_missing,
    numpy_has_removed_it,
    conventions_are_not_met,
    what_fills_a_table_has_not_run,
    it_refuses,
    it_takes_other_things,
)


# ---- Under another name, or with other arguments: another task, or a part of one -----------------


def it_is_unsteady(failure):
    return UNSTEADY if failure.mistake == UNSTEADY else ""


def its_form_is_another(failure):
    values, complaint, error = failure.smallest.answer
    return complaint if values is None and not error else ""


def its_arguments_are_guessed(failure):
    task, mistake = failure.task, failure.mistake
    if failure.subject.functions[task].guessed:
        if task == "backward" or not mistake or re.search("exchanged|;", mistake):
            return f"{said_of(failure)}; what its arguments are is a guess"


def forward_may_take_that(failure):
    _, complaint, error = failure.smallest.answer
    if failure.task == "init_params" and complaint and not error:
        if not is_right(failure, "forward"):
            return f"{complaint}; that may be what forward takes"


def it_is_another_network(failure):
    error, mistake = failure.smallest.answer.error, failure.mistake
    other = not mistake or re.search(OTHER_TASKS, mistake)
    if failure.task == "forward" and other and not re.fullmatch(r"'[AZ]\d'", str(error)):
        why = "; it may take other things" if error else ": another network?"
        return said_of(failure) + why


def it_is_another_loss(failure):
    subject, task, _, smallest, mistake = failure
    if task != "bce":
        return ""
    values = smallest.answer.values
    batches = values["loss"].ndim or "mean is missing" in mistake  # summed elsewhere
    other = re.search(OTHER_TASKS, mistake)
    if not mistake or batches or other and not is_right(failure, "backward"):
        return f"{said_of(failure)}: another loss?"
    flat = {**smallest.net, **{role: smallest.net[role].ravel() for role in "AY"}}
    if same(ask(subject, task, flat).values, smallest.right):
        return f"{said_of(failure)}; it is right on flat arrays, (m,)"


def no_cross_entropy_is_beside_it(failure):
    if failure.task in ("forward", "backward") and "bce" not in failure.subject.functions:
        return f"{said_of(failure)}; no cross-entropy stands beside it"
    if failure.task == "backward" and not is_right(failure, "bce"):
        return f"{said_of(failure)}; the loss beside it is not right either: another loss?"


def the_step_with_its_mate_is_right(failure):
    (_, functions, style), task, *_ = failure
    mate = {"backward": "update", "update": "backward"}.get(task)
    if mate in functions and not functions[mate].why and not is_right(failure, mate):
        nets = networks("irregular", style.depth)
        steps = [ask(failure.subject, "step", net).values for net in nets]
        rights = [plain_values(style.activation, "step", net["key"]) for net in nets]
        if all(map(same, steps, rights)):
            return f"{said_of(failure)}; but the step that it makes with {mate} is right"


UNDER_OTHER_NAMES = (
    it_is_unsteady,
    its_form_is_another,
    its_arguments_are_guessed,
    forward_may_take_that,
    it_is_another_network,
    it_is_another_loss,
    no_cross_entropy_is_beside_it,
    the_step_with_its_mate_is_right,
)
