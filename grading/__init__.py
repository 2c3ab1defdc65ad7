# grading, of backprop.py. SPDX-License-Identifier: MIT-0
"""The judge of other people's networks."""
