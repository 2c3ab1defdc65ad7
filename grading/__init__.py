# grading, the judge of other people's networks, of backprop.py. SPDX-License-Identifier: MIT-0
"""Is a network right that was written by hand? And if not, which array is wrong, and why?

    from grading import check_gradients     any network, by one training step of its own
    python -m grading mine.py more.ipynb    article 1's six functions, by their names

It needs NumPy alone, and works in any folder. Its rooms, from a file to a verdict, and their words:

    cells         the code of a file or notebook, cell by cell
    reading       Source: its statements, of which those run that the six need
    conventions   task: one of article 1's six; role: what an argument is for; names of both
    finding       Function: how a file does a task
    networks      net: what a function is asked with; plain functions, which know what is right
    mistakes      the catalogue: mistake by mistake, as edits of the plain functions
    answers       Answer: what came; Outcome: that beside what is right; Style: its conventions
    diagnosis     what is wrong, in words
    law           slope, move, c: any network, by one training step
    steps         Step: that of a file's own forward, backward and update, held to the law
    doubts        Failure; why it is none
    verdicts      right, WRONG, not judged, not done, not there
    command       a report of one file, a line each of a class
"""

__version__ = "1.2.0"


def __getattr__(name):
    """Return check_gradients or graded; not before they are asked for, see __main__."""
    if name == "check_gradients":
        from grading.law import check_gradients as found
    elif name == "graded":
        from grading.verdicts import graded as found
    else:
        raise AttributeError(name)
    return found
