# grading/doubts.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""Why a function whose answers are not article 1's is right, or may be right all the same."""

import re
from collections import namedtuple

from grading.answers import ask, is_lost_key, outcomes_of, same
from grading.conventions import ALL_KNOWN, bare, role_of
from grading.diagnosis import FURTHER, UNSTEADY
from grading.mistakes import ANOTHER
from grading.reading import lines_of, words_in
from grading.steps import nets_of
from grading.words import listed, plural

# step(): the Step of the subject; smallest: the Outcome of the smallest net on which a function
# fails; mistake: recognised, or "".
Failure = namedtuple("Failure", "subject task tried step smallest mistake")
RETURNS_NOTHING = re.compile("returns (nothing|an empty)")  # which is right for no task
PYTHON_2 = ("xrange", "unicode", "raw_input", "reduce", "long", "basestring", "unichr", "cmp")
NUMPY_1 = (
    "float|int|bool|object|complex|str|long|asscalar|alen|mat|product|float_|NaN|Inf|in1d|trapz"
)
PASSES = ("forward", "backward")


def right_by_the_law(failure):
    """Return for what a function is right, where the step that it is part of follows a loss, or "".

    Not where the learning rate is then another than the given one, nor where forward makes a
    mistake of the catalogue: a backward that fits it does not make it right.
    """
    subject, task, _, step, (*_, (_, complaint, error)), mistake = failure
    another, formal = re.search(ANOTHER, mistake), complaint and not error
    mistaken = not subject.style.unmet and (mistake and not another or formal)
    if task == "train" or mistake == UNSTEADY or mistaken and task in ("forward", "bce"):
        return ""
    if task == "init_params" and not formal or not (found := step()) or not found.as_given:
        return ""
    if task == "init_params":
        return "of the shapes that its forward takes" if found.of_init else ""
    if task == "bce" and not found.own:
        return ""
    return f"the step with it follows {found.loss}{f'; {mistake}' if another else ''}"


def doubt(failure):
    """Return why a function that fails may be right all the same, or ""."""
    if reads_outside(failure):
        return ""
    function, (_, complaint, error) = failure.subject.functions[failure.task], failure.smallest[-1]
    certain = function.own or RETURNS_NOTHING.match(complaint) or type(error) is NameError
    reasons = [of_any_file(failure)] + ([] if certain else [under_another_name(failure)])
    return next((why for each in reasons for holds, why in each.values() if holds), "")


def reads_outside(failure):
    """Return Y, say, if it reads that from outside, though it is given to it as an argument."""
    (source, functions, _), task, *_ = failure
    arguments = functions[task].arguments
    roles = [role for _, role, _ in arguments if role in ("X", "Y", "A", "lr")]
    for node, defines, needs in source.statements if failure.mistake != UNSTEADY else ():
        if functions[task].name in defines and type(node).__name__ == "FunctionDef":
            outside = needs - {name for name, *_ in arguments}
            return next((name for name in sorted(outside) if role_of(name, roles)), "")
    return ""


def is_right(failure, task):
    functions, tried = failure.subject.functions, failure.tried
    there = task in functions and not functions[task].why
    return there and not any(each.wrong for each in tried(task, "small") + tried(task, "irregular"))


def of_any_file(failure):
    """Return {reason: (does it hold, why)}, the first first, for a function of any name."""
    (source, functions, style), task, tried, step, smallest, _ = failure
    function, (_, said, error) = functions[task], smallest.answer
    lines = [source.lines[k - 1].strip() for k in lines_of(error, source.path)[-1:]]
    raises = any(re.match(r"(if .*: *)?raise\b", line) for line in lines)
    somewhere = not all(each.wrong for each in tried(task, "small") + tried(task, "irregular"))
    removed = type(error) is AttributeError and re.search(
        r"'numpy' has no|np\.\w+`? was", str(error)
    )
    unfilled = type(error) in (KeyError, AttributeError) and "NoneType" not in str(error)
    reads = any(re.fullmatch(r"d?W\d*", word) for word in words_in(source, function.name))
    strange = not reads if task in PASSES or function.own else not reads or task == "bce"
    strange = strange and (task in PASSES or not function.own)
    takes = ", ".join(name for name, *_ in function.arguments)
    missing = a_name_is_missing(source, error)
    passes = all(is_right(failure, each) for each in (*PASSES, "update"))
    found = step() if task == "train" and not passes else None
    other = f"{said}; it may take other things"
    return {
        "a name is missing": (missing, missing),
        "a package is missing": (isinstance(error, ImportError), said),
        "NumPy has removed it": (removed, f"{said}: NumPy has removed that"),
        "its arrays are others": ("ensor" in str(error), f"{said}: it is asked with NumPy arrays"),
        "its params are others": ("'dict' and" in str(error), f"{said}: params is a dict here"),
        "its keys are others": (
            re.fullmatch(r"'d?w\d'", str(error)), f"{said}: article 1's keys are W1 and dW1"
        ),
        "its shapes are others": (style.unmet and task != "train", f"{style.unmet}, not met here"),
        "its layers are others": (str(error) in ("'W0'", "'b0'"), "its layers count from 0, not 1"),
        "a table is not filled": (
            unfilled and not is_lost_key(error), f"{said}: what fills that may not have run"
        ),
        "it refuses": (raises and somewhere, f"{said}; it is right where it does not refuse"),
        "its arguments are others": (
            error and function.guessed, f"it takes ({takes}), and what comes for those is a guess"
        ),
        "its sizes are others": (
            "'int' object" in str(error) and task == "init_params" and not function.own, other
        ),
        "it takes other things": (error and type(error) is not NameError and strange, other),
        "its network is another": (found, "its step is right in another network than train gets"),
    }  # fmt: skip


def a_name_is_missing(source, error):
    """Return in words what defines it and has not run, or "" if nothing does."""
    if type(error) is not NameError:
        return ""
    name, failed = error.name, source.failed
    if {name, "*"} & failed.keys():
        return f"it needs {name}, and {failed.get(name) or failed['*']}"
    if name in PYTHON_2:
        return f"it needs {name}, which Python 2 had: run 2to3 over it"
    if bare(name) in ALL_KNOWN:
        return f"it calls {name}, which is not there"
    defined = any(name in defines for _, defines, _ in source.statements)
    return f"it needs {name}, and what defines that has not run" if defined else ""


def under_another_name(failure):
    """Return the same for one of another name, or with other arguments: another task, or a part."""
    (source, functions, _), task, tried, _, smallest, mistake = failure
    function, (values, complaint, error) = functions[task], smallest.answer
    said, other = mistake or complaint or FURTHER[task], not mistake or re.search(ANOTHER, mistake)
    calls = listed(f"call {name} {role}" for name, role in function.guessed if name != role)
    guessed = task == "backward" or not mistake or re.search("exchanged|;", mistake)
    outcomes = tried(task, "small") + tried(task, "irregular")
    depths = {len(each.net["sizes"]) - 2 for each in outcomes if not each.wrong}
    depths -= {len(each.net["sizes"]) - 2 for each in outcomes if each.wrong}
    counts = "len" in words_in(source, function.name)  # how many layers there are
    formal, has_loss = complaint and not error, "bce" in functions
    loss = another_loss(failure, other) if task == "bce" and values else ""
    last_is_right = values and not any(
        f"{P}{len(each.net['sizes']) - 1}" in each.wrong for each in outcomes for P in "Wb"
    )  # so that the loss is told
    return {
        "it is unsteady": (mistake == UNSTEADY, mistake),
        "its form is another": (values is None and not error, complaint),
        "its arguments are guessed": (
            function.guessed and guessed,
            f"{said}; its arguments are a guess{calls and ': '}{calls}",
        ),
        "it is made for one depth": (
            task in (*PASSES, "update") and depths and not counts,
            f"right with {plural(listed(sorted(depths)), 'hidden layer')} alone",
        ),
        "forward may take that": (
            task == "init_params" and formal and not is_right(failure, "forward"),
            f"{complaint}; its forward may take that, and is not judged",
        ),
        "it is another network": (
            task == "forward" and other and not (is_lost_key(error) or raises_on_its_own(failure)),
            f"{said}; {'it may take other things' if error else 'another network?'}",
        ),
        "it is another loss": (loss, loss),
        "no loss is beside it": (
            task in PASSES and not has_loss and not last_is_right,
            f"{said}; add the loss, so that it can be told which one this is",
        ),
        "another loss is beside it": (
            task == "backward" and not is_right(failure, "bce") and not last_is_right,
            f"{said}; the loss beside it is not right either: another loss?",
        ),
    }  # fmt: skip


def raises_on_its_own(failure):
    """Does forward raise an error on what its own init_params makes, however samples lie?"""
    subject = failure.subject
    if not is_right(failure, "init_params") or subject.functions[failure.task].guessed:
        return False
    return not any(of_init for *_, of_init in nets_of(subject, 1))


def another_loss(failure, other):
    """Return why bce may be one, or ""; not where forward and backward are those of article 1."""
    (subject, task, *_), (net, right, *_, (values, *_)) = failure, failure.smallest
    told = is_right(failure, "forward") and is_right(failure, "backward")
    counts = {"len", "shape", "size", "mean"} & words_in(
        subject.source, subject.functions[task].name
    )
    if told and "mean is missing" in failure.mistake and not counts and ";" not in failure.mistake:
        return "a sum over the samples: the gradient beside it is that of the mean"
    if told:
        return ""
    part = not failure.mistake or values["loss"].ndim or "mean is missing" in failure.mistake
    if part or other:
        in_rows = subject._replace(style=subject.style._replace(rows=not subject.style.rows))
        alone = "forward" not in subject.functions
        if alone and not any(each.wrong for each in outcomes_of(in_rows, task, "irregular")):
            return "right if samples are in rows: add forward, so that it can be told"
        both = {"forward", "backward"} <= subject.functions.keys()
        return f"not article 1's loss: another one?{'' if both else ' Add forward and backward'}"
    flat = {**net, **{role: net[role].ravel() for role in "AY"}}
    if same(ask(subject, task, flat).values, right):
        return f"{failure.mistake}; it is right on flat arrays, (m,)"
    return ""
