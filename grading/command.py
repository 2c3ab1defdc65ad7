# grading/command.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""The command, python -m grading: a report of one file, or a line each of several."""

import argparse
import csv
import glob
import os
import pathlib
import signal
import sys
import threading
import time
import traceback
import types
import warnings
from collections import namedtuple
from itertools import product

from grading.answers import plain_values
from grading.cells import Unreadable
from grading.conventions import TASKS
from grading.mistakes import CATALOGUE, edited
from grading.networks import ACTIVATIONS, TEXT, networks
from grading.reading import read
from grading.verdicts import judged
from grading.words import short, wrapped

END = os._exit  # before a file's code can call it, see grade


def main():
    """Grade the files of the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m grading",
        description=f"Grade files that have some of {', '.join(TASKS)}, in the usual conventions.",
        epilog="Exit status: 0, all that is there is right; 1, something is wrong; 2, a file can "
        "not be read or has none of them; 3, something could not be judged. grading/conventions.py "
        "has the names that are known.",
    )
    parser.add_argument("files", nargs="+", metavar="mine.py", help="or .ipynb; many: a line each")
    parser.add_argument("--csv", action="store_true", help="a row a file: verdicts and reasons")
    parser.add_argument("--seconds", type=float, help="for each of several files (60)")
    args = parser.parse_args()
    found = [[] if os.path.exists(name) else sorted(glob.glob(name)) for name in args.files]
    files = [path for name, paths in zip(args.files, found) for path in paths or [name]]
    several, out, err = files[1:] or args.seconds or args.csv, os.dup(1), os.dup(2)

    def say(text, fd=out):
        os.write(fd, f"{text}\n".encode("utf-8", "backslashreplace"))

    def stop(*_):  # no error, which the file might catch
        for process in sys.modules["multiprocessing"].active_children() if several else ():
            process.kill()
        END(130)

    signal.signal(signal.SIGINT, stop)
    try:
        if several:
            progress = (lambda text: os.write(err, text.encode())) if os.isatty(err) else str
            return grade_class(files, args.seconds or 60, args.csv, say, progress)
        return report(files[0], say, os.isatty(out))
    except Unreadable as why:
        say(f"{files[0]}: {why}", err)
        return 2
    except OSError as error:  # `| head`, which ends early, or a full disk
        if not isinstance(error, BrokenPipeError):
            say(f"{files[0]}: {error.strerror}", err)
        return 2
    except BaseException:
        say(traceback.format_exc(), err)
        return 70


def grade(path, skipped=()):
    """Yield what judged does of a file, whose code may print, ask, plot, exit: nobody sees it."""
    path = pathlib.Path(path).resolve()
    folder = str(path.parent if path.parent.is_dir() else pathlib.Path.cwd())
    sys.argv, sys.dont_write_bytecode = [str(path)], True  # as if it were run alone
    sys.stdin = sys.stdout = sys.stderr = open(os.devnull, "r+", encoding="utf-8", errors="replace")
    for fd in (0, 1, 2):
        os.dup2(sys.stdin.fileno(), fd)
    os.environ["MPLBACKEND"], os._exit = "Agg", sys.exit  # which can be seen
    os.chdir(folder)
    warnings.simplefilter("ignore")
    yield "at", "reading it"
    sys.path.insert(0, folder)  # first while the file is read, as Python has it
    source = read(path)
    sys.path.append(sys.path.pop(0))  # last: what lies there can be imported, but hides nothing
    yield from judged(source, skipped)


def status_of(found):
    """Return the exit status, 0 to 3, for {what: rest} of what judged has yielded."""
    six = [found[task] for task in TASKS if task in found]
    words = {word if word != "not there" or not why else "elsewhere" for word, why, *_ in six}
    if "WRONG" in words:
        return 1
    open_ends = {"not judged", "not done", "elsewhere"} & words or "recipe" in found
    return 3 if open_ends else 0 if six else 2


def report(path, say, terminal):
    """Grade one file, a line as soon as it is known; return the exit status."""
    found, timer = {}, threading.Timer(3, say)
    for what, *said in grade(path):
        timer.cancel()
        found[what] = said
        if what == "at" and terminal:
            timer = threading.Timer(3, say, [f"... still at {said[0]}; Ctrl-C ends it"])
            timer.daemon = True
            timer.start()
        elif what == "head":
            say(wrapped("", ", ".join(filter(None, [path, *said])), 4, 3) + "\n")
        elif what == "recipe":
            say("\n".join([*[""] * ("head" in found), *said[0]]))
        elif what in TASKS:
            word, words, lines = said
            colon = word[:3] == "not" and words
            first = f"{what:<14}{word}: " if colon else f"{what:<14}{word:<9} "
            say("\n".join([wrapped(first, words, 24, 4), *lines]))
    return status_of(found)


# ---- A class -------------------------------------------------------------------------------------

# A file at work: which; {task: why it is skipped}; its process, and what comes out of that; when it
# has to have ended; and what has come, {what: the rest}.
Work = namedtuple("Work", "k skipped process pipe deadline came")


def grade_class(paths, seconds, by_csv, say, progress):
    """Grade each file, a line each in the order of paths; return the exit status."""
    row = csv.writer(types.SimpleNamespace(write=say), lineterminator="").writerow
    began, width, graded, statuses = time.monotonic(), max(map(len, paths)) + 2, {}, []
    if by_csv:
        row(["file", *TASKS, *(f"why {task}" for task in TASKS), "remark"])
    else:
        say(" " * width + "".join(f"{task:<12}" for task in TASKS).rstrip())
    for k, *found in grade_apart(paths, seconds):
        graded[k] = found
        progress(f"\r\033[K{len(graded)} of {len(paths)} files, {time.monotonic() - began:.0f} s\r")
        while len(statuses) in graded:
            path, (head, found) = paths[len(statuses)], graded[len(statuses)]
            six = {task: found.get(task, ("", "")) for task in TASKS}
            words, whys = zip(*six.values())
            statuses.append(status_of(found))
            first = {word: f"{task}: {why}" for task, (word, why) in reversed(six.items())}
            first = first.get("WRONG") or first.get("not judged") or "" if any(words) else head
            cells = "".join(f"{word:<12}" for word in words if any(words))
            line = f"{path:<{width}}{cells}{short(first, 160)}".rstrip()
            row([path, *words, *whys, head]) if by_csv else say(line)
    progress("\n")
    return next((status for status in (1, 2, 3) if status in statuses), 0)


def grade_apart(paths, seconds):
    """Yield (k, head, {what: rest} of what judged yields) of file k, graded in its own process.

    It is graded again without the function that did not end, or that has ended the process. Where
    processes can be forked, what is the same for every file (numpy, what is right) is had once.
    """
    import multiprocessing  # not every Python has processes
    from multiprocessing.connection import wait

    forks = sys.platform == "linux"  # elsewhere a fork of numpy is not to be trusted
    context, works = multiprocessing.get_context("fork" if forks else "spawn"), []
    if forks and len(paths) > 2:
        know_what_is_right()
    waiting = [(k, {}) for k in reversed(range(len(paths)))]
    while waiting or works:
        while waiting and len(works) < (os.cpu_count() or 1):
            (k, skipped), (pipe, theirs) = waiting.pop(), context.Pipe(duplex=False)
            process = context.Process(target=grade_into, args=(theirs, paths[k], skipped))
            process.start()
            theirs.close()
            works.append(Work(k, skipped, process, pipe, time.monotonic() + seconds, {}))
        ends = min(work.deadline for work in works) - time.monotonic()
        wait([each for work in works for each in (work.pipe, work.process.sentinel)], max(0, ends))
        for work in [*works]:
            if (how := how_it_ended(work, seconds)) is None:
                continue
            works.remove(work)
            work.process.kill()
            work.process.join()
            at = work.came.get("at", [""])[0]
            if how and at in TASKS and at not in work.skipped:
                waiting.append((work.k, {**work.skipped, at: how}))
            else:
                lines = work.came.get("recipe", [work.came.get("head")])[0]
                yield work.k, how or work.came["end"][0] or lines[0], work.came


def how_it_ended(work, seconds):
    """Return None if it has not, "" if all has come, else why not."""
    alive = work.process.is_alive()  # before the last of it is read
    try:
        while "end" not in work.came and work.pipe.poll():
            what, *rest = work.pipe.recv()
            work.came[what] = rest
    except (EOFError, OSError):
        alive = work.process.join(1)
    if "end" in work.came:
        return ""
    if alive or work.process.is_alive():
        late = time.monotonic() > work.deadline
        return f"not done after {seconds:g} s" if late else None
    status = work.process.exitcode
    return f"crashes: {signal.Signals(-status).name}" if status < 0 else f"exits with {status}"


def grade_into(pipe, path, skipped):
    """Send what grade yields of a file, then ("end", why it is unreadable)."""
    try:
        for what, *rest in grade(path, skipped):
            pipe.send((what, *rest[:2]))
        pipe.send(("end", ""))
    except Unreadable as why:
        pipe.send(("end", str(why)))
    finally:
        END(0)  # also where the file has left a thread running


def know_what_is_right():
    """Work out the right answers, and those of the catalogue, for every process to come."""
    keys = [net["key"] for kind in ("irregular", "small") for net in networks(kind, None)]
    for task, activation in product(TEXT, ACTIVATIONS):
        for key in keys:
            plain_values(activation, task, key)
        for text in filter(None, (edited(TEXT[task], edits) for edits, _ in CATALOGUE[task])):
            plain_values(activation, task, keys[0], text)
