# grading/grade.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""One file from beginning to end, each thing said as soon as it is known."""

import functools
import os
import sys
import warnings

from grading.answers import outcomes_of
from grading.cells import Unreadable
from grading.conventions import ALL_KNOWN, TASKS, bare
from grading.reading import read
from grading.styles import subject_of
from grading.verdicts import verdict
from grading.words import plural

END = os._exit  # before a file's code can call it, see below


def settle_process(path, folder):
    """From here on a file's code may print, ask, plot and change settings: nobody sees it."""
    sys.argv = [str(path)]  # as if it were run alone
    sys.stdin = sys.stdout = sys.stderr = open(os.devnull, "r+", encoding="utf-8", errors="replace")
    for fd in (0, 1, 2):
        os.dup2(sys.stdin.fileno(), fd)
    os.environ["MPLBACKEND"] = "Agg"
    os.chdir(folder)
    warnings.simplefilter("ignore")
    sys.dont_write_bytecode = True
    os._exit = sys.exit  # which can be seen
    sys.path.insert(0, str(folder))  # first while the file is read, as Python has it


def grade(path, skipped=()):
    """Yield ("at", what comes next), ("head", words), and each task with what verdict gives.

    skipped: {task: why it is not judged}. Unreadable: a file that cannot be, or has none of six.
    """
    yield "at", "reading it"
    settle_process(path, path.parent if path.parent.is_dir() else ".")
    source = read(path)
    sys.path.append(sys.path.pop(0))  # last: what lies there can be imported, but hides nothing
    yield from judged(source, skipped)


def judged(source, skipped=()):
    subject = yield from subject_of(source, skipped)
    if not subject.functions and not skipped:
        raise Unreadable(has_none(source))
    yield "head", ", ".join(style_in_words(subject.style))
    tried, verdicts = functools.cache(functools.partial(outcomes_of, subject)), {}
    for task in TASKS:
        yield "at", task
        try:
            found = verdict(subject, task, tried, verdicts)
        except BaseException as error:  # a cache, say, that cannot be copied
            found = "not judged", f"the grading stumbles: {type(error).__name__}: {error}", []
        found = ("not judged", skipped[task], []) if task in skipped else found
        verdicts[task] = found[0]
        yield task, *found


def style_in_words(style):
    words = [f"hidden layers: {style.activation}"] if style.known and style.depth != 0 else []
    words += ["samples in rows"] if style.rows else []
    depth = style.depth
    return words + ([] if depth is None else [f"networks of {plural(depth, 'hidden layer')} only"])


def has_none(source):
    """Return why a file in which nothing was found cannot be graded."""
    for name, why in source.failed.items():
        if name == "*" or bare(name) in ALL_KNOWN:
            return why
    names = [node.name for node, *_ in source.statements if type(node).__name__ == "ClassDef"]
    why = f"; what is in a class ({names[0]}) is not judged" if names else ""
    return f"has none of {', '.join(TASKS)} under any name that is known{why}"


def status_of(verdicts):
    """Return the exit status: 1 something is wrong, 3 something is not judged, 0 neither."""
    return 1 if "WRONG" in verdicts else 3 if "not judged" in verdicts else 0


def graded(path):
    """Return {task: (verdict, words, lines)} of a file, in this process."""
    return {what: found for what, *found in judged(read(path)) if what in TASKS}
