# grading/mistakes.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""The catalogue of mistakes: each as an edit of a plain function, which then makes it."""

# Mistakes as edits of the plain functions, a line each (four spaces continue it): this text, which
# is there once, becomes that, and what it is called. The edited function gives what it gives.
MISTAKES = r"""
init_params
randn(n, n_prev) -> randn(n_prev, n) | (n, n_prev) is W's shape, for W @ A
randn(n, n_prev) -> randn(n, n_prev + 1) | a column too many: the bias stands in b
randn(n, n_prev) * -> randn(n, n_prev) * 0 * | all weights are 0, so units stay equal for ever
randn(n, n_prev) * -> randn() * np.ones((n, n_prev)) * | equal weights: units stay equal for ever
zeros((n, 1)) -> zeros(n) | np.zeros(n) in place of np.zeros((n, 1))
zeros((n, 1)) -> zeros((1, n)) | b lies in a row, and must stand in a column
zeros((n, 1)) -> zeros((n_prev, 1)) | b has an entry for each input, not each unit
len(sizes)) -> len(sizes) - 1) | the last layer is left out
(1, len -> (2, len | the first layer is left out
"W{l} -> "W{l - 1} | "b{l} -> "b{l - 1} | layers are counted from 0, not 1

forward
A + b -> A | the bias is left out
A + b -> A - b | the bias is subtracted
A + b -> A + (b if l < L else 0) | the last layer's bias is left out
W @ A -> W.T @ A | W.T in place of W
W @ A -> W * A | * in place of @ (or np.dot)
W @ A -> A @ W | A @ W in place of W @ A
g(Z) if -> (Z > 0) * 1.0 if | the hidden layers have Z > 0, a step, in place of ReLU
W @ A + b -> W @ (A + b) | the bias is added before the product, to A
W @ A -> W @ X | every layer takes X, and should take the A before it
(1, L + 1) -> (1, L) | the last layer is left out
g(Z) if -> Z if | the hidden layers lack their activation
g(Z) if -> np.where(Z > 0, Z, 0.01 * Z) if | the hidden layers have leaky ReLU
g(Z) if l < L else sigmoid(Z) -> sigmoid(-Z) | sigmoid has exp(Z) in place of exp(-Z)
g(Z) if l < L else sigmoid(Z) -> 1 / 1 + np.exp(-Z) | sigmoid lacks the brackets in 1 / (1 + ...)
sigmoid(Z) -> sigmoid(-Z) | the output has exp(Z) in place of exp(-Z)
sigmoid(Z) -> 1 / 1 + np.exp(-Z) | the output lacks the brackets in 1 / (1 + exp(-Z))
sigmoid(Z) -> Z | the output lacks its activation, sigmoid
sigmoid(Z) -> g(Z) | the output has the activation of the hidden layers, not sigmoid
sigmoid(Z) -> np.tanh(Z) | the output has tanh, not sigmoid
sigmoid(Z) -> np.exp(Z) / np.exp(Z).sum(axis=0) | the output has softmax, not sigmoid
sigmoid(Z) -> sigmoid(sigmoid(Z)) | the output applies sigmoid twice
sigmoid(Z) -> sigmoid(Z) > 0.5 | A holds classes, not probabilities
return A -> return A.T | A is transposed: samples are columns

bce
-(Y -> (Y | the minus sign is missing
 / m ->  | the 1/m of the mean is missing
 / m ->  / m / m | the 1/m of the mean is there twice (np.mean has one)
 / m ->  / (2 * m) | 1/(2m) in place of 1/m
Y.shape[1] -> len(Y) | it divides by len(Y) or Y.shape[0]; m is Y.shape[1]
 + (1 - Y) * np.log(1 - A) ->  | the term (1 - Y) log(1 - A) is missing
Y * np.log(A) +  ->  | the term Y log(A) is missing
) + (1 -> ) - (1 | - between the terms, or brackets missing in -(... + ...)
= Y.shape[1] -> = Y.shape[1]; A, Y = Y, A | A and Y are exchanged
= Y.shape[1] -> = Y.shape[1]; Y = 1 - Y | Y and 1 - Y are exchanged
log(1 - A) -> log(A) | log(A) in both terms
m = Y -> A = np.clip(A, 0.01, 1 - 0.01); m = Y | A is clipped at 0.01, where 1e-15 is enough
np.sum(losses) -> np.sum((A - Y) ** 2) | that is the squared error
np.sum(losses) -> np.sum(losses) / np.log(2) | log2 in place of log
Y * np.log(A) + (1 - Y) * np.log(1 - A) -> Y.T @ np.log(A) + (1 - Y).T @ np.log(1 - A)
    | each label meets the log of every sample: with a .T too many they make (m, m)
np.sum(losses) / m -> losses | the mean over samples is missing
np.sum(losses) -> losses | the sum over samples is missing

backward
T / m -> T | the 1/m of the mean is missing
True) / m -> True) | the 1/m of the mean is missing
T / m -> T / len(W) | True) / m -> True) / len(W) | it divides by the layer's units, not by m
return grads -> return {key: 0 * G for key, G in grads.items()} | all gradients are 0
T / m -> T / m / m | the 1/m of the mean is there twice
True) / m -> True) / m / m | the 1/m of the mean is there twice (np.mean has one)
A - Y -> (A - Y) / m | the 1/m of the mean is there twice
dZ = dA_prev -> dZ = dA_prev / m | 1/m comes again with every layer
Y.shape[1] -> len(Y) | it divides by len(Y) or Y.shape[0]; m is Y.shape[1]
Y.shape[1] -> len(cache["A0"]) | it divides by n0, the features; m is Y.shape[1]
Y.shape[1] -> Y.shape[1] * 2 | 1/(2m) in place of 1/m
A - Y -> 2 * (A - Y) | a 2 too many, as from the derivative of a square
A - Y -> Y - A | Y - A in place of A - Y
A - Y -> (A - Y) * A * (1 - A) | dZ = A - Y at the output: A (1 - A) is of the squared error
A - Y -> (1 - Y) / (1 - A) - Y / A | dA in place of dZ at the output: dZ = A - Y
A - Y -> A | Y is not subtracted
dg(Z_prev) -> 1 | the derivative of the activation is missing
dg(Z_prev) -> dg(A_prev) | the derivative at A, not Z (or activation twice)
A - Y -> (A - Y) / (A * (1 - A)) * D["sigmoid"](A) | dg(Z_prev) -> dg(A_prev)
    | the derivatives at A, not Z, of output and hidden layers (or sigmoid twice)
dg(Z_prev) -> dg_A(Z_prev) | Z in place of A in A (1 - A) or 1 - A^2
dg(Z_prev) -> (1 - A_prev) | 1 - A in place of the derivative
dg(Z_prev) -> g(Z_prev) | the activation in place of its derivative
dg(Z_prev) -> D["sigmoid"](Z_prev) | the derivative of sigmoid, which forward does not have
dg(Z_prev) -> A_prev * (1 - A_prev) | the derivative of sigmoid, which forward does not have
dg(Z_prev) -> D["tanh"](Z_prev) | the derivative of tanh, which forward does not have
dg(Z_prev) -> (1 - A_prev**2) | the derivative of tanh, which forward does not have
dg(Z_prev) -> (Z_prev > 0) | the derivative of ReLU, which forward does not have
dZ = dA_prev -> dX = dA_prev | dZ stays that of the output, and is not passed back
W.T @ dZ -> params[f"W{L}"].T @ (A - Y)
    | every layer gets the error of layer L, and should get that of the layer above
W.T @ dZ -> W @ dZ | W in place of W.T
W.T @ dZ -> W.T * dZ | * in place of @ (or np.dot) with W.T
W.T @ dZ -> dZ | W.T is missing where dZ is passed back
dZ @ A_prev.T -> dZ * A_prev.T | * in place of @ (or np.dot) in dW
dZ @ A_prev.T -> dZ @ A_prev | the transpose of A_prev is missing in dW
dZ @ A_prev.T -> A_prev @ dZ.T | dW is transposed
dZ @ A_prev.T -> dZ @ W.T | dW has W in place of A_prev
dZ @ A_prev.T -> dZ @ cache[f"A{l}"].T | dW has A of its own layer, not A_prev
dZ @ A_prev.T -> dZ @ cache["A0"].T | dW has X in every layer
axis=1, keepdims=True -> axis=0, keepdims=True | db sums over axis=0, not axis=1
axis=1, keepdims=True -> axis=0 | db sums over axis=0, not axis=1
axis=1, keepdims=True -> axis=1 | keepdims=True is missing in db
, axis=1, keepdims=True ->  | axis=1, keepdims=True is missing in db
np.sum(dZ, axis=1, keepdims=True) -> np.mean(dZ) * m | db averages over units too
np.sum(dZ, axis=1, keepdims=True) -> dZ | db is not summed over samples
(L, 0, -1) -> (L, 1, -1) | the first layer is left out
"W{l}"] = dZ -> "W{l - 1}"] = dZ | "b{l}"] = -> "b{l - 1}"] = | layers are counted from 0, not 1

update
P - lr -> P + lr | the step goes uphill: + in place of -
lr *  ->  | lr is missing
lr *  -> lr * lr *  | lr is there twice
P - lr -> - lr | it returns the step alone: P is missing
P - lr * grads[key] -> P | it returns the params as they were
lr * -> lr * (key[0] == "W") * | b is not updated
lr * -> lr * (int(key[1:]) < len(params) // 2) * | the last layer is not updated
lr * -> lr * (int(key[1:]) > 1) * | the first layer is not updated
P - lr -> params[K := "W" + key[1:]] - lr * (2 - (key < "a")) | grads[key] -> grads[K]
    | b is made of W, which has had its step, and dW

train
losses.append(bce(A, Y)) -> pass | update(params, grads, lr) -> losses.append(bce(forward(
    params := update(params, grads, lr), X)[0], Y)) or params | each loss is that after the update
params = update( -> update( | what update returns is dropped
[] -> []; start = params | return params -> return start | it returns the old params
[] -> []; once = forward(params, X) | A, cache = forward(params, X) -> A, cache = once
    | forward runs only once, before the loop
range(steps) -> range(steps - 1) | one step too few
range(steps) -> range(steps + 1) | one step too many
grads = backward(params, cache, Y) -> for key in [*params][::-1]:\n            params = {**params,
    key: params[key] - lr * backward(params, cache, Y)[key]}
    | params = update(params, grads, lr) -> pass
    | each layer is updated before the error has passed back through it (W is already new)
losses.append -> step % 100 or losses.append | losses are kept now and then only
params, losses -> params, losses[-1] | only the last loss is returned
params, losses -> params, losses + [bce(forward(params, X)[0], Y)] | the last loss is one too many
params = update( -> new = update( | return params -> return new | each step is from the old params
"""
# These words are those of rows that are no mistake in another network, or of another loss.
ANOTHER = "softmax|leaky|squared|the term [(Y]|classes|lacks its activation|of the mean is missing"


def table_of(table):
    """Return {heading: [([(this, that), ...], words), ...]} of a table like MISTAKES."""
    made = {}
    for block in table.strip("\n").replace("\n    ", " ").split("\n\n"):
        heading, *lines = block.split("\n")
        rows = [line.replace(r"\n", "\n").split(" | ") for line in lines]
        made[heading] = [([edit.split(" -> ") for edit in edits], words) for *edits, words in rows]
    return made


def edited(text, edits):
    """Return the text with the edits made, or "" where they do not fit, once each."""
    for old, new in edits:
        if text.count(old) != 1:
            return ""
        text = text.replace(old, new)
    return text


CATALOGUE = table_of(MISTAKES)
for c in (0.5, 0.1, 0.05, 0.01, 0.005, 0.001):
    CATALOGUE["update"].append(([("lr * ", f"{c} * ")], f"lr is not used: {c} is"))
    CATALOGUE["train"].append(([("grads, lr)", f"grads, {c})")], f"lr is not used: {c} is"))
