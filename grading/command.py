# grading/command.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""The command, python -m grading: a report of one file, a line each of several."""

import argparse
import glob
import os
import pathlib
import signal
import sys
import threading
import traceback

from grading.cells import Unreadable
from grading.conventions import TASKS
from grading.grade import END, grade, status_of
from grading.words import wrapped


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
    # A pattern that no shell has expanded, as on Windows.
    files = [sorted(glob.glob(f)) if not os.path.exists(f) else [f] for f in args.files]
    files = [file for some, f in zip(files, args.files) for file in some or [f]]
    out, err, terminal = os.dup(1), os.dup(2), sys.stdout.isatty()

    def say(text, fd=out):
        os.write(fd, f"{text}\n".encode("utf-8", "backslashreplace"))

    def progress(text):
        if os.isatty(err):
            os.write(err, f"\r{text}\033[K\r".encode())

    def stop(*_):  # no error, which the file might catch
        for process in sys.modules["multiprocessing"].active_children() if several else ():
            process.kill()
        END(130)

    several = files[1:] or args.seconds or args.csv
    signal.signal(signal.SIGINT, stop)
    try:
        if several:
            from grading.classes import grade_class  # not every Python has processes

            return grade_class(files, args.seconds or 60, args.csv, say, progress)
        return report(files[0], say, terminal)
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


def report(path, say, terminal):
    """Grade one file, a line as soon as it is known; return the exit status."""
    verdicts, timer = [], threading.Timer(3, say)
    for what, *said in grade(pathlib.Path(path).resolve()):
        timer.cancel()
        if what == "at":
            timer = threading.Timer(3, say, [f"... still at {said[0]}; Ctrl-C ends it"])
            timer.daemon = True
            if terminal:
                timer.start()
        elif what == "head":
            say(wrapped("", ", ".join(filter(None, [path, *said])), 4, 3) + "\n")
        else:
            word, words, lines = said
            verdicts.append(word)
            first = f"{what:<14}not judged: " if word == "not judged" else f"{what:<14}{word:<9} "
            say("\n".join([wrapped(first, words, 24, 4), *lines]))
    return status_of(verdicts)
