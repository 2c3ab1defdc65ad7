# grading, the judge of other people's networks, of backprop.py. SPDX-License-Identifier: MIT-0
"""Is a network right that was written by hand? And if not, which array is wrong, and why?"""

__version__ = "1.1.0"


def __getattr__(name):
    """Return check_gradients or graded; not before they are asked for, see __main__."""
    from grading.grade import graded

    if name != "graded":
        raise AttributeError(name)
    return graded
