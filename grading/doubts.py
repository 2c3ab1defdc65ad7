# grading/doubts.py of backprop.py. SPDX-License-Identifier: MIT-0
import re

from grading.answers import ask, is_lost_key, is_right, judged, same
from grading.diagnosis import FURTHER, UNSTEADY
from grading.finding import words_of
from grading.networks import networks, plain
from grading.reading import lines_of

RETURNS_NOTHING = re.compile("returns (nothing|an empty)")  # which is right nowhere
OTHER_TASKS = "softmax|leaky|squared|the term [(Y]|classes|lacks its activation"


def doubt(file, six, smallest, what):
    """Return why a function that fails may be right all the same, or "".

    what: the mistake that explain has recognised. Each of these has once called a right file wrong.
    """
    taken, values, complaint, error = file.taken[six], *smallest[4:]
    said = what or complaint or FURTHER[six]
    # For every file: what it lacks is no mistake of its own.
    if type(error) is NameError and {error.name, "*"} & file.failed.keys():
        line, why = file.failed.get(error.name) or file.failed["*"]
        return f"it needs {error.name}, and {line} fails: {why}"
    if isinstance(error, ImportError):
        return complaint
    if isinstance(error, AttributeError) and re.search(r"'numpy' has no|np\.\w+`? was", str(error)):
        return f"{complaint}: NumPy has removed that"
    if file.unmet and six != "train":
        return f"{file.unmet}: that is not met here"
    missed = isinstance(error, (KeyError, AttributeError)) and not is_lost_key(error)
    if missed and "NoneType" not in str(error):
        return f"{complaint}: what fills that may not have run"
    at = [file.lines[line - 1].strip() for line in lines_of(error, file)[-1:]] if error else []
    refused = [re.match(r"(?:if .*: *)?raise\b|assert\b\W*(\w+)", line) for line in at]
    if any(refused) and refused[0][1] in (None, *[argument for argument, *_ in taken.arguments]):
        if not all(each.wrong for each in judged(file, six)):
            return f"{complaint}; it is right where it does not refuse"
    reads = any(re.fullmatch(r"d?W\d*", word) for word in words_of(file, taken.name))
    passes = six in ("forward", "backward")
    if error and (not reads and passes or not taken.own and (six == "bce" or not reads)):
        return f"{complaint}; it may take other things"
    if taken.own:
        return ""
    # Under another name, or with other arguments, it may do another task, or a part of it.
    if what == UNSTEADY:
        return UNSTEADY
    if values is None and not error:
        return "" if RETURNS_NOTHING.match(complaint) else complaint
    if taken.guessed and (six == "backward" or not what or re.search("exchanged|;", what)):
        return f"{said}; what its arguments are is a guess"
    if six == "init_params" and complaint and not error and not is_right(file, "forward"):
        return f"{complaint}; that may be what forward takes"
    other = not what or re.search(OTHER_TASKS, what)
    if six == "forward" and other and not re.fullmatch(r"'[AZ]\d'", str(error)):
        return f"{said}{'; it may take other things' if error else ': another network?'}"
    if six == "bce":
        part = not what or values["loss"].ndim or "mean is missing" in what  # of a sum over batches
        if part or other and not is_right(file, "backward"):
            return f"{said}: another loss?"
        flat = {**smallest.net, **{role: smallest.net[role].ravel() for role in "AY"}}
        if same(ask(file, six, flat).values, smallest.right):
            return f"{said}; it is right on flat arrays, (m,)"
    if passes and "bce" not in file.taken:
        return f"{said}; no cross-entropy stands beside it"
    if six == "backward" and not is_right(file, "bce"):
        return f"{said}; the loss beside it is not right either: another loss?"
    mate = {"backward": "update", "update": "backward"}.get(six)
    if mate in file.taken and not file.taken[mate].why and not is_right(file, mate):
        nets, both = networks(file.hidden)["irregular"], (file, plain(file.g))
        if all(map(same, *([ask(of, "step", net).values for net in nets] for of in both))):
            return f"{said}; but the step that it makes with {mate} is right"
    return ""
