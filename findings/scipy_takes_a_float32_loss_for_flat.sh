#!/usr/bin/env bash
# scipy 1.17.1 (optimize.check_grad, optimize.minimize), jax 0.10.2, numpy 2.4.6.
#
# A loss that computes in float32, which is the default of JAX, looks flat to SciPy: it moves
# each weight by about 1.5e-8, also where x0 is float32, and that is less than float32 can hold. So
# check_grad reports as the error of an exact gradient the whole length of that gradient, and minimize
# ends at once, with success, at the weights it was given; with jac="2-point" where x0 is float64 (for
# one of float32 it takes longer steps). No warning.
# Guess: the step is chosen by the dtype of x0 and of the loss: an error of about 1e-3 of the gradient,
# and a minimum that is nearly reached.
# Seen: the error is 1.0000 of the gradient, 0 steps are taken, and the loss stays at 0.81, where the
# exact gradient leads to 0.68.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q scipy==1.17.1 jax==0.10.2 numpy==2.4.6
venv/bin/python - <<'PY'
import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import check_grad, minimize

rng = np.random.default_rng(0)
X = jnp.asarray(rng.normal(size=(50, 4)))
y = jnp.asarray(rng.random(50) < 0.5)
loss = lambda w: jnp.mean(jnp.logaddexp(0, X @ w) - y * (X @ w))
gradient = jax.grad(loss)
for dtype in (np.float64, np.float32):
    w = np.asarray(rng.normal(size=4), dtype)
    error, length = check_grad(loss, gradient, w), np.linalg.norm(gradient(w))
    print(f"check_grad {error:.4f}, length of the exact gradient {length:.4f}")
    assert abs(error - length) < 1e-6 * length
    for jac in (None, "2-point", gradient):
        found = minimize(loss, w, jac=jac)
        print(f"jac={jac!s:.7}: {found.success=}, {found.nit} steps, loss {loss(w):.2f} to {found.fun:.2f}")
        flat = jac is None or jac == "2-point" and dtype is np.float64
        assert (found.success and found.nit == 0) == flat
PY
