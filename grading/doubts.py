# grading/doubts.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""Why a function whose answers are not article 1's may be right all the same.

Each reason is a function of a Failure that returns it in words, or "". Each has once kept a right
file from being called WRONG.
"""

import re
from collections import namedtuple

from grading.answers import ask, is_lost_key, outcomes_of, same
from grading.conventions import ALL_KNOWN, bare, role_of
from grading.diagnosis import FURTHER, UNSTEADY
from grading.mistakes import ANOTHER
from grading.reading import lines_of, words_in
from grading.styles import RETURNS_NOTHING
from grading.words import listed

# step(): the Step of the subject; smallest: the Outcome of the smallest net on which a function
# fails; mistake: recognised, or "".
Failure = namedtuple("Failure", "subject task tried step smallest mistake")


def doubt(failure):
    """Return the first reason that holds, or ""."""
    own, error = failure.subject.functions[failure.task].own, failure.smallest.answer.error
    if reads_a_global(failure):
        return ""
    certain = own or is_nothing(failure) or type(error) is NameError
    reasons = OF_ANY_FILE if certain else OF_ANY_FILE + UNDER_OTHER_NAMES
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


# ---- Right by the law ----------------------------------------------------------------------------


def right_by_the_law(failure):
    """Return for what a function is right, where the step that it is part of follows a loss, or "".

    Not where the learning rate is then another than the given one, nor where forward makes a
    mistake of the catalogue: a backward that fits it does not make it right.
    """
    subject, task, _, step, smallest, mistake = failure
    another, (_, complaint, error) = re.search(ANOTHER, mistake), smallest.answer
    if task == "train" or mistake == UNSTEADY:
        return ""
    if task in ("forward", "bce") and not subject.style.unmet:
        if mistake and not another or complaint and not error:
            return ""
    if task == "init_params" and (error or not complaint):
        return ""
    if not (found := step()) or not found.as_given:
        return ""
    if task == "bce" and not found.own or task == "init_params" and not found.of_init:
        return ""
    if task == "init_params":
        return "of the shapes that its forward takes"
    return f"the step with it follows {found.loss}{f'; {mistake}' if another else ''}"


# ---- Doubts about any file -----------------------------------------------------------------------


def reads_a_global(failure):
    """Does it read Y, say, from outside, though that is given to it as an argument?"""
    (source, functions, _), task, *_ = failure
    if failure.mistake == UNSTEADY:
        return False
    function = functions[task]
    roles = [role for _, role, _ in function.arguments if role in ("X", "Y", "A", "lr")]
    given = {name for name, *_ in function.arguments}
    for node, defines, needs in source.statements:
        if function.name in defines and type(node).__name__ == "FunctionDef":
            return any(role_of(name, roles) and name not in given for name in needs)
    return False


def a_name_is_missing(failure):
    (source, *_), error = failure.subject, failure.smallest.answer.error
    if type(error) is not NameError:
        return ""
    name, failed = error.name, source.failed
    if {name, "*"} & failed.keys():
        return f"it needs {name}, and {failed.get(name) or failed['*']}"
    if name in PYTHON_2:
        return f"it needs {name}, which Python 2 had: run 2to3 over it"
    if bare(name) in ALL_KNOWN:
        return f"it calls {name}, which is not there"
    if any(name in defines for _, defines, _ in source.statements):
        return f"it needs {name}, and what defines that has not run"


def a_package_is_missing(failure):
    _, complaint, error = failure.smallest.answer
    return complaint if isinstance(error, ImportError) else ""


def numpy_has_removed_it(failure):
    _, complaint, error = failure.smallest.answer
    if isinstance(error, AttributeError) and re.search(r"'numpy' has no|np\.\w+`? was", str(error)):
        return f"{complaint}: NumPy has removed that"


def it_takes_other_arrays(failure):
    _, complaint, error = failure.smallest.answer
    if isinstance(error, (TypeError, AttributeError)) and "ensor" in str(error):
        return f"{complaint}: it takes tensors, and is asked with NumPy arrays"


def conventions_are_not_met(failure):
    unmet = failure.subject.style.unmet
    return f"{unmet}: that is not met here" if unmet and failure.task != "train" else ""


def layers_count_from_0(failure):
    if re.fullmatch(r"'d?[Wb]0'", str(failure.smallest.answer.error)):
        return "its layers count from 0 (W0, b0), and those here from 1"


def what_fills_a_table_has_not_run(failure):
    _, complaint, error = failure.smallest.answer
    missed = isinstance(error, (KeyError, AttributeError)) and not is_lost_key(error)
    if missed and "NoneType" not in str(error):
        return f"{complaint}: what fills that may not have run"


def it_refuses(failure):
    """A raise of its own, which other nets pass."""
    (source, functions, _), task, tried, _, smallest, _ = failure
    lines = lines_of(smallest.answer.error, source.path)[-1:] if smallest.answer.error else []
    if any(re.match(r"(if .*: *)?raise\b", source.lines[line - 1].strip()) for line in lines):
        if not all(each.wrong for each in tried(task, "small") + tried(task, "irregular")):
            return f"{smallest.answer.complaint}; it is right where it does not refuse"


def it_takes_other_things(failure):
    (source, functions, _), task, *_ = failure
    function, (_, complaint, error) = functions[task], failure.smallest.answer
    if error and function.guessed:
        takes = ", ".join(name for name, *_ in function.arguments)
        return f"it takes ({takes}), and what comes for those is a guess"
    if "'int' object" in str(error) and task == "init_params" and not function.own:
        return f"{complaint}; it may take other things than sizes"
    reads = any(re.fullmatch(r"d?W\d*", word) for word in words_in(source, function.name))
    passes = task in ("forward", "backward")
    if error and type(error) is not NameError:
        if not reads and passes or not function.own and (task == "bce" or not reads):
            return f"{complaint}; it may take other things"


def its_network_is_another(failure):
    found = failure.step() if failure.task == "train" else None
    if found and not all(is_right(failure, task) for task in ("forward", "backward", "update")):
        return f"it is right for {found.loss}, which train is not asked with"


PYTHON_2 = ("xrange", "unicode", "raw_input", "reduce", "long", "basestring", "unichr", "cmp")
OF_ANY_FILE = (
    a_name_is_missing,
    a_package_is_missing,
    numpy_has_removed_it,
    it_takes_other_arrays,
    conventions_are_not_met,
    layers_count_from_0,
    what_fills_a_table_has_not_run,
    it_refuses,
    it_takes_other_things,
    its_network_is_another,
)


# ---- Under another name, or with other arguments: another task, or a part of one -----------------


def it_is_unsteady(failure):
    return UNSTEADY if failure.mistake == UNSTEADY else ""


def its_form_is_another(failure):
    values, complaint, error = failure.smallest.answer
    return complaint if values is None and not error else ""


def its_arguments_are_guessed(failure):
    task, mistake = failure.task, failure.mistake
    guessed = failure.subject.functions[task].guessed
    if guessed and (task == "backward" or not mistake or re.search("exchanged|;", mistake)):
        calls = listed(f"call {name} {role}" for name, role in guessed if name != role)
        return f"{said_of(failure)}; its arguments are a guess" + (f": {calls}" if calls else "")


def it_is_made_for_one_depth(failure):
    """By a constant, where no length of params, cache or grads says how many layers there are."""
    (source, functions, _), task, tried, *_ = failure
    outcomes = tried(task, "small") + tried(task, "irregular")
    right = {len(each.net["sizes"]) - 2 for each in outcomes}
    right -= {len(each.net["sizes"]) - 2 for each in outcomes if each.wrong}
    words = words_in(source, functions[task].name)
    if right and task in ("forward", "backward", "update") and not {"len", "range"} <= words:
        return f"right with {listed(sorted(right))} hidden layers alone"


def forward_may_take_that(failure):
    _, complaint, error = failure.smallest.answer
    if failure.task == "init_params" and complaint and not error:
        if not is_right(failure, "forward"):
            return f"{complaint}; its forward may take that, and is not judged"


def it_is_another_network(failure):
    error, mistake = failure.smallest.answer.error, failure.mistake
    other = not mistake or re.search(ANOTHER, mistake)
    if failure.task == "forward" and other and not isinstance(error, NameError):
        if not re.fullmatch(r"'[AZ]\d'", str(error)):
            why = "it may take other things" if error else "another network?"
            return f"{said_of(failure)}; {why}"


def it_is_another_loss(failure):
    subject, task, _, _, smallest, mistake = failure
    if task != "bce" or smallest.answer.values is None:
        return ""
    unsummed, other = smallest.answer.values["loss"].ndim, re.search(ANOTHER, mistake)
    if not mistake or unsummed or other and not is_right(failure, "backward"):
        in_rows = subject._replace(style=subject.style._replace(rows=not subject.style.rows))
        if not any(each.wrong for each in outcomes_of(in_rows, task, "irregular")):
            return "right if samples are in rows: add forward, so that it can be told"
        return (
            "these are not the numbers of article 1's loss: another one? Add forward and backward"
        )
    flat = {**smallest.net, **{role: smallest.net[role].ravel() for role in "AY"}}
    if same(ask(subject, task, flat).values, smallest.right):
        return f"{said_of(failure)}; it is right on flat arrays, (m,)"


def no_cross_entropy_is_beside_it(failure):
    if failure.task in ("forward", "backward") and "bce" not in failure.subject.functions:
        return f"{said_of(failure)}; add the loss, so that it can be told which one this is"
    if failure.task == "backward" and not is_right(failure, "bce"):
        return f"{said_of(failure)}; the loss beside it is not right either: another loss?"


UNDER_OTHER_NAMES = (
    it_is_unsteady,
    its_form_is_another,
    its_arguments_are_guessed,
    it_is_made_for_one_depth,
    forward_may_take_that,
    it_is_another_network,
    it_is_another_loss,
    no_cross_entropy_is_beside_it,
)
