# grading/conventions.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""The tables: article 1's six tasks, and how functions and arguments for them are called.

A task is one of the six, whatever a file calls the function that does it. A role is what an
argument is for, whatever its name: one of article 1's names, or "off" or "on".
"""

import re

TASKS = {  # the roles of article 1's arguments, in its order, and what comes back
    "init_params": ("sizes", "a dict, W1: (n1, n0), b1: (n1, 1), ..."),
    "forward": ("params X", "(A, cache)"),
    "bce": ("A Y", "one number"),
    "backward": ("params cache Y", "a dict, W1 or dW1, b1 or db1, ..., shaped like params"),
    "update": ("params grads lr", "a dict, the params after the step"),
    "train": ("params X Y lr steps", "(params, losses)"),
}
NAMES = {  # of functions, in any capitals, with or without _; the first ones first
    "init_params": "init_params initialize_parameters initialize_parameters_deep initialize_params "
    "initialisation initialization init_weights init_parameters initialize_weights",
    "forward": "forward forward_propagation L_model_forward forward_prop propagate feedforward "
    "forward_pass",
    "bce": "bce compute_cost calculate_cost compute_loss calculate_loss log_loss cost_function "
    "binary_cross_entropy bce_loss cross_entropy cost loss binary_cross_entropy_loss",
    "backward": "backward L_model_backward backward_propagation back_propagation backward_prop "
    "back_prop backprop backpropagation backward_pass",
    "update": "update update_parameters update_params update_weights",
    "train": "train",
}
ROLES = {  # of arguments by their names, in any capitals, with or without _
    "params": r"param\w*|theta|weights",
    "X": r"x|inputs?|data|a0",
    "Y": r"y|labels?|targets?|ytrue",
    "A": r"(?-i:A)|al|a\d|afinal|yhat|ypred|probs|predicted",
    "cache": r"caches?|activations|memory",
    "grads": r"grads?|gradients?",
    "lr": r"lr|alpha|eta|l\w*ingrate",
    "steps": r"steps",
    "sizes": r"\w*(sizes|dims|layers|dimensions|units)",
    "off": r"lambd\w*|reg\w*|l2\w*|beta|momentum",  # regularisation and momentum, which get 0
    "on": r"keepprob",  # of dropout, which gets 1
}
NEVER_GUESSED = r"d?w\d*|d?b\d+|d?z\d*|da\d*|v|s|m|bias|seed|self|activation"
ALSO = {"backward": ["X", "A"], "bce": ["params", "X"]}  # what they may take beside article 1's
UNITS = {0: r"nx|[nd]?in\w*|.*feat.*", 99: r".*out.*|ny|.*class.*"}
UNITS[1] = r".*hid.*(?<!zes|ers|ims)|n?h\d*"  # a number, not hidden_sizes


def bare(name):
    return name.replace("_", "").lower()


KNOWN = {task: [bare(name) for name in names.split()] for task, names in NAMES.items()}
ALL_KNOWN = {name for names in KNOWN.values() for name in names}


def role_of(argument, allowed):
    """Return the role that an argument's name says, of those allowed, or None."""
    plain = argument.replace("_", "")
    return next((role for role in allowed if re.fullmatch(ROLES[role], plain, re.I)), None)


def rank_of(argument):
    """Return where a number of units belongs, by its name: 0 the input, 99 the output; or None."""
    if counted := re.fullmatch(r"(?:n|l|layer)(\d)", bare(argument)):
        return int(counted[1])
    return next((k for k, of in UNITS.items() if re.fullmatch(of, bare(argument))), None)
