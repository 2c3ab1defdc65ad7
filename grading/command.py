# grading/command.py of backprop.py. SPDX-License-Identifier: MIT-0
import argparse
import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
import types
import warnings
from concurrent.futures import ThreadPoolExecutor

from grading.conventions import SIX
from grading.finding import read
from grading.reading import Unreadable
from grading.verdicts import settle, verdict
from grading.words import plural, short, wrapped

END = os._exit


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
    """Yield ("at", what comes next), ("head", words), and each of the six with what verdict gives.

    skipped: {one of the six: why it is not judged}.
    """
    yield "at", "reading it"
    settle_process(path, path.parent if path.parent.is_dir() else ".")
    file, verdicts = read(path), {}
    sys.path.append(sys.path.pop(0))  # last: what lies there can be imported, but hides nothing
    for six in skipped:
        file.taken.pop(six, None)
    for six in settle(file):
        yield "at", six
    head = [f"hidden layers: {file.g}"] if file.known and file.hidden != 0 else []
    head += ["samples in rows"] if file.rows else []
    if file.hidden is not None:
        head.append(f"networks of {plural(file.hidden, 'hidden layer')} only")
    yield "head", ", ".join(head)
    for six in SIX:
        yield "at", six
        try:
            found = verdict(file, six, verdicts)
        except BaseException as error:  # a cache, say, that cannot be copied
            found = "not judged", f"the grading stumbles: {type(error).__name__}: {error}", []
        found = ("not judged", skipped[six], []) if six in skipped else found
        verdicts[six] = found[0]
        yield six, *found


def status_of(verdicts):
    """The exit status: 1 something is wrong, 3 something could not be judged, 0 neither."""
    return 1 if "WRONG" in verdicts else 3 if "not judged" in verdicts else 0


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


def grade_apart(path, seconds):
    """Grade a file in a process of its own: (head, {one of the six: (verdict, words)}).

    It is graded again without the function that did not end, or that has ended the process.
    """
    skipped, command = {}, [sys.executable, "-m", "grading", "--rows"]
    while True:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
            options = {"stdout": out, "stderr": subprocess.DEVNULL, "timeout": seconds}
            try:
                line = [*command, json.dumps(skipped), "--", path]
                status = subprocess.run(line, **options).returncode
                ends = f"ends the process, exit status {status}"
                ends = f"crashes: {signal.Signals(-status).name}" if status < 0 else ends
            except subprocess.TimeoutExpired:
                ends = f"not done after {seconds:g} s"
            out.seek(0)
            said = {row[0]: row[1:] for row in map(json.loads, out)}
        at = said.get("at", [""])[0]
        if "end" in said or at not in SIX or at in skipped:
            head = said.get("end", [ends])[0] or said["head"][0]
            return head, {six: said[six][:2] for six in SIX if six in said}
        skipped[at] = ends


def grade_class(paths, seconds, by_csv, say):
    """Grade each file in a process of its own, a line each; return the exit status."""
    row = csv.writer(types.SimpleNamespace(write=say), lineterminator="").writerow
    statuses, width = set(), max(map(len, paths)) + 2
    if by_csv:
        row(["file", *SIX, *(f"why {six}" for six in SIX), "remark"])
    else:
        say(" " * width + "".join(f"{six:<12}" for six in SIX).rstrip())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        graded = pool.map(lambda path: grade_apart(path, seconds), paths)
        for path, (head, done) in zip(paths, graded):
            words, whys = zip(*(done.get(six, ("", "")) for six in SIX))
            statuses.add(status_of(words) if done else 2)
            if by_csv:
                row([path, *words, *whys, head])
                continue
            first = {word: f"{six}: {why}" for six, (word, why) in reversed(done.items())}
            first = first.get("WRONG") or first.get("not judged") or "" if done else head
            cells = "".join(f"{word:<12}" for word in words if done)
            say(f"{path:<{width}}{cells}{short(first, 160)}".rstrip())
    return next((status for status in (1, 2, 3) if status in statuses), 0)


def main():
    """Grade the files of the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        description=f"Grade files that have some of {', '.join(SIX)}, in the usual conventions.",
        epilog="Exit status: 0, all that is there is right; 1, something is wrong; 2, a file can "
        "not be read or has none of them; 3, something could not be judged. NAMES and ROLES in "
        "this file have the names that are known.",
    )
    parser.add_argument("files", nargs="+", metavar="mine.py", help="or .ipynb; many: a line each")
    parser.add_argument("--csv", action="store_true", help="a row a file: verdicts and reasons")
    parser.add_argument("--seconds", type=float, help="for each of several files (60)")
    parser.add_argument("--rows", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    out, err, terminal, path = os.dup(1), os.dup(2), sys.stdout.isatty(), args.files[0]

    def say(text, fd=out):
        os.write(fd, f"{text}\n".encode("utf-8", "backslashreplace"))

    signal.signal(signal.SIGINT, lambda *_: END(130))  # no error, which the file might catch
    try:
        if args.rows is None and (args.files[1:] or args.seconds or args.csv):
            return grade_class(args.files, args.seconds or 60, args.csv, say)
        if args.rows is None:
            return report(path, say, terminal)
        for row in grade(pathlib.Path(path).resolve(), args.rows):
            say(json.dumps(row[:3]))
        say(json.dumps(["end", ""]))
        return 0
    except Unreadable as why:
        say(f"{path}: {why}", err) if args.rows is None else say(json.dumps(["end", str(why)]))
        return 2
    except OSError as error:  # `| head`, which ends early, or a full disk
        if not isinstance(error, BrokenPipeError):
            say(f"{path}: {error.strerror}", err)
        return 2
    except BaseException:
        say(traceback.format_exc(), err)
        return 70
