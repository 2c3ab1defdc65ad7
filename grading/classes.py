# grading/classes.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""A class: each file in a process of its own, so that it can neither stop the others nor end them.

Where processes can be forked, what is the same for every file (numpy, the right answers, those of
the catalogue) is had once, before.
"""

import csv
import multiprocessing
import os
import pathlib
import signal
import sys
import time
import types
from collections import namedtuple
from multiprocessing.connection import wait

from grading.answers import plain_values
from grading.cells import Unreadable
from grading.conventions import TASKS
from grading.grade import END, grade, status_of
from grading.mistakes import CATALOGUE, edited
from grading.networks import ACTIVATIONS, TEXT, networks
from grading.words import short

# A file at work: which one; {task: why it is skipped}; its process, what comes out of that, and
# when it has to have ended; and what has come, {what: the rest}.
Work = namedtuple("Work", "k skipped process pipe deadline came")


def grade_class(paths, seconds, by_csv, say, progress):
    """Grade each file, a line each in the order of paths; return the exit status.

    seconds: for each file. say(text): prints a line; progress(text): on a terminal, what is done.
    """
    row = csv.writer(types.SimpleNamespace(write=say), lineterminator="").writerow
    statuses, width = set(), max(map(len, paths)) + 2
    if by_csv:
        row(["file", *TASKS, *(f"why {task}" for task in TASKS), "remark"])
    else:
        say(" " * width + "".join(f"{task:<12}" for task in TASKS).rstrip())
    graded, said = {}, 0
    for k, *found in grade_apart(paths, seconds):
        graded[k] = found
        progress(f"{len(graded)} of {len(paths)} files")
        while said in graded:
            path, (head, done) = paths[said], graded[said]
            said += 1
            words, whys = zip(*(done.get(task, ("", "")) for task in TASKS))
            statuses.add(status_of(words) if done else 2)
            if by_csv:
                row([path, *words, *whys, head])
                continue
            first = {word: f"{task}: {why}" for task, (word, why) in reversed(done.items())}
            first = first.get("WRONG") or first.get("not judged") or "" if done else head
            cells = "".join(f"{word:<12}" for word in words if done)
            say(f"{path:<{width}}{cells}{short(first, 160)}".rstrip())
    return next((status for status in (1, 2, 3) if status in statuses), 0)


def grade_apart(paths, seconds):
    """Yield (k, head, {task: (verdict, words)}) of each file k, as soon as it is known.

    A file is graded again without the function that did not end, or that has ended its process.
    """
    forks = sys.platform == "linux"  # elsewhere a fork of numpy is not to be trusted
    context = multiprocessing.get_context("fork" if forks else "spawn")
    if forks and len(paths) > 2:
        know_what_is_right()
    waiting, works = [(k, {}) for k in reversed(range(len(paths)))], []
    while waiting or works:
        while waiting and len(works) < (os.cpu_count() or 1):
            k, skipped = waiting.pop()
            pipe, theirs = context.Pipe(duplex=False)
            process = context.Process(target=grade_into, args=(theirs, paths[k], skipped))
            process.start()
            theirs.close()
            works.append(Work(k, skipped, process, pipe, time.monotonic() + seconds, {}))
        ends = min(work.deadline for work in works) - time.monotonic()
        wait([each for work in works for each in (work.pipe, work.process.sentinel)], max(0, ends))
        for work in [*works]:
            ended = None if work.process.is_alive() else True  # before the last of it is read
            while "end" not in work.came and work.pipe.poll():
                try:
                    what, *rest = work.pipe.recv()
                except (EOFError, OSError):
                    break
                work.came[what] = rest
            if "end" in work.came:
                ended = ""
            elif ended:
                work.process.join()
                ended = how_it_ended(work.process.exitcode)
            elif time.monotonic() > work.deadline:
                ended = f"not done after {seconds:g} s"
            if ended is None:
                continue
            works.remove(work)
            work.process.kill()
            work.process.join()
            at = work.came.get("at", [""])[0]
            if ended and at in TASKS and at not in work.skipped:
                waiting.append((work.k, {**work.skipped, at: ended}))
                continue
            head = ended or work.came["end"][0] or work.came["head"][0]
            yield work.k, head, {task: work.came[task][:2] for task in TASKS if task in work.came}


def how_it_ended(exitcode):
    if exitcode < 0:
        return f"crashes: {signal.Signals(-exitcode).name}"
    return f"ends the process, exit status {exitcode}"


def grade_into(pipe, path, skipped):
    """Send what grade yields of a file, then ("end", why it is unreadable)."""
    try:
        for what, *rest in grade(pathlib.Path(path).resolve(), skipped):
            pipe.send((what, *rest[:2]))
        pipe.send(("end", ""))
    except Unreadable as why:
        pipe.send(("end", str(why)))
    finally:
        END(0)  # also where the file has left a thread running


def know_what_is_right():
    """Work out the right answers, and those of the catalogue, for every process to come."""
    for task, text in TEXT.items():
        texts = [text, *(edited(text, edits) for edits, _ in CATALOGUE[task])]
        for activation in ACTIVATIONS:
            for net in networks("small", None) + networks("irregular", None):
                plain_values(activation, task, net["key"])
            for each in filter(None, texts):
                plain_values(activation, task, networks("irregular", None)[0]["key"], each)
