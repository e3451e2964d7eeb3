"""Batch-norm figures by PyTorch: a witness that shares no code with this library.

    /usr/bin/python3 src/verify/figures/pytorch.py > src/verify/figures/pytorch.json

Needs Debian's `python3-torch` (CPU). Everything is computed by torch in float64, gradients by its autograd; this file
makes inputs, calls torch and writes down what it says. No formula of batch norm is restated here.

The document is {"madeBy": text, "cases": [...]}, one case a line. Matrices are flat, [rows, channels] with channels
innermost (element row·channels + c). Sizes in elements are R·C for x, dy, y, dx, inferY, frozenDx; C for the rest.

    given     name, rows, channels, eps
              momentum                       weight of the new batch (torch's own sense, and this library's)
              x, dy                          dy is the gradient of the loss by y, and by inferY
              gamma | null, beta | null      null: F.batch_norm was called with weight / bias = None
              runningMean0, runningVar0      running statistics before the batch; also the frozen ones
    training  y
              mean, variance, invStd         of the batch; variance is biased (÷ rows)
              dx, dgamma | null, dbeta | null
              runningMean, runningVar        after the one batch x, from runningMean0 and runningVar0
    eval      inferY                         normalized with runningMean0 and runningVar0
              frozenDx, frozenDgamma | null, frozenDbeta | null
                                             gradients through those frozen statistics
    in three  batches                        three x, the first is x; each as long as x
              runningMean3, runningVar3      after all three, from runningMean0 and runningVar0

runningVar and runningVar3 hold the unbiased variance (÷ rows − 1): torch has no other. The biased running variance of
Keras and ONNX is not in here; it follows from `variance` by (1 − momentum) · runningVar0 + momentum · variance.

Every given number but eps and momentum is exactly a float32, so a Float32Array holds what torch saw. Every result is
the float64 in the shortest digits that give it back (17 at most).

What to allow: torch's CPU kernel computes y = x · a + (beta − mean · a), which cancels when |mean| is large beside the
deviation. In float64 that costs about |mean|/deviation · 2⁻⁵³ in y: 1e-10 at a million deviations. For the same reason
a constant column need not give beta to the last bit (the one in here happens to).

Same torch, same bytes: one thread and the plain (not AVX) kernels, so that no sum is reordered by the machine.
"""

import json
import os
import platform
import sys

os.environ["ATEN_CPU_CAPABILITY"] = "default"  # read when torch is loaded

import torch
import torch.nn.functional as F

DATE = "2026-11-20"  # written, not read from the clock: a second run is compared byte for byte
SEED = 20261120  # case i draws from SEED + i, so a case added at the end leaves the others as they are

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

# offset: distance of the column means from 0 in deviations, sign alternating by channel.
# bits: inputs are multiples of 2^-bits, which keeps the two largest cases short; None keeps all 24 bits of the float32.
# affine: which of gamma and beta exist. batches: whether three batches are run.
DEFAULTS = dict(offset=0.0, momentum=0.1, eps=1e-5, affine="gamma beta", bits=None, batches=False, edit=None)


def constant_column(x):
    """Channel 1 is one value, so its variance is exactly 0 and invStd is 1/√eps."""
    x[:, 1] = 3.7


def outlier_first_row(x):
    """Row 0 is far from the rest by 1e6 deviations in channel 0 and by −1e3 in channel 1: a bad choice of shift."""
    x[0, 0] += 1e6
    x[0, 1] -= 1e3


CASES = [
    dict(name="control: 16x4, pytorch defaults", rows=16, channels=4),
    dict(name="two rows, one channel", rows=2, channels=1, batches=True),
    dict(name="keras numbers: eps 1e-3, momentum 0.01", rows=5, channels=3, eps=1e-3, momentum=0.01, batches=True),
    dict(name="momentum 1: running statistics are the last batch's", rows=4, channels=2, momentum=1.0, batches=True),
    dict(name="ragged 33x5", rows=33, channels=5, bits=8),
    dict(name="tall 64x2, mean 1000 deviations", rows=64, channels=2, offset=1e3, bits=8),
    dict(name="mean 1e6 deviations", rows=9, channels=2, offset=1e6),
    dict(name="affine off", rows=5, channels=2, affine=""),
    dict(name="gamma only", rows=5, channels=2, affine="gamma"),
    dict(name="beta only", rows=5, channels=2, affine="beta", eps=1e-3),
    dict(name="constant column", rows=6, channels=2, edit=constant_column),
    dict(name="outlier first row", rows=8, channels=2, edit=outlier_first_row),
]


def as_float32(t, bits=None):
    """The float64 tensor whose every value is a float32, a multiple of 2^-bits when bits are given."""
    if bits is not None:
        t = torch.round(t * 2.0**bits) / 2.0**bits
    return t.to(torch.float32).to(torch.float64)


def leaf(t):
    """A copy that collects a gradient; None stays None."""
    return None if t is None else t.clone().requires_grad_(True)


def numbers(t):
    return None if t is None else t.detach().reshape(-1).tolist()


def gradient(t):
    return None if t is None else numbers(t.grad)


def figures(index, case):
    c = {**DEFAULTS, **case}
    rows, channels, eps, momentum, bits = c["rows"], c["channels"], c["eps"], c["momentum"], c["bits"]
    torch.manual_seed(SEED + index)

    # Deviations 1, 0.5, 2, 1, … so that no channel can pass with another's statistics.
    deviation = torch.tensor([1.0, 0.5, 2.0]).repeat(channels // 3 + 1)[:channels]
    sign = torch.tensor([1.0, -1.0]).repeat(channels // 2 + 1)[:channels]
    center = sign * c["offset"] * deviation

    def draw_x():
        x = center + deviation * torch.randn(rows, channels)
        if c["edit"]:
            c["edit"](x)
        return as_float32(x, bits)

    x = draw_x()
    dy = as_float32(torch.randn(rows, channels), bits)
    # Drawn whether used or not. Odd channels have a negative gamma; channel 3, where there is one, has gamma 0.
    gamma = as_float32((0.5 + torch.rand(channels)) * sign)
    gamma[3::4] = 0.0
    beta = as_float32(torch.randn(channels))
    gamma = gamma if "gamma" in c["affine"] else None
    beta = beta if "beta" in c["affine"] else None
    # Neither 0 and 1 nor the batch's own, but of its size: the mean within a deviation, the variance within a factor 2.
    running_mean0 = as_float32(center + deviation * (torch.rand(channels) - 0.5))
    running_var0 = as_float32(deviation**2 * (0.5 + torch.rand(channels)))
    batches = [x, draw_x(), draw_x()] if c["batches"] else None

    for given in [x, dy, gamma, beta, running_mean0, running_var0, *(batches or [])]:
        assert given is None or torch.equal(given, given.to(torch.float32).to(torch.float64)), "an input is no float32"

    # Training.
    tx, tgamma, tbeta = leaf(x), leaf(gamma), leaf(beta)
    running_mean, running_var = running_mean0.clone(), running_var0.clone()
    y = F.batch_norm(tx, running_mean, running_var, tgamma, tbeta, training=True, momentum=momentum, eps=eps)
    y.backward(dy)
    # F.batch_norm keeps its saved statistics to itself; the operator below it returns them.
    y_again, mean, inv_std = torch.native_batch_norm(x, gamma, beta, None, None, True, momentum, eps)
    assert torch.equal(y, y_again), "the saved statistics are of another run"

    # Eval: the frozen statistics are read and must come out as they went in.
    ex, egamma, ebeta = leaf(x), leaf(gamma), leaf(beta)
    frozen_mean, frozen_var = running_mean0.clone(), running_var0.clone()
    infer_y = F.batch_norm(ex, frozen_mean, frozen_var, egamma, ebeta, training=False, momentum=momentum, eps=eps)
    infer_y.backward(dy)
    assert torch.equal(frozen_mean, running_mean0) and torch.equal(frozen_var, running_var0), "eval moved statistics"

    out = {
        "name": c["name"],
        "rows": rows,
        "channels": channels,
        "eps": eps,
        "momentum": momentum,
        "x": numbers(x),
        "dy": numbers(dy),
        "gamma": numbers(gamma),
        "beta": numbers(beta),
        "runningMean0": numbers(running_mean0),
        "runningVar0": numbers(running_var0),
        "y": numbers(y),
        "mean": numbers(mean),
        "variance": numbers(x.var(dim=0, unbiased=False)),
        "invStd": numbers(inv_std),
        "dx": gradient(tx),
        "dgamma": gradient(tgamma),
        "dbeta": gradient(tbeta),
        "runningMean": numbers(running_mean),
        "runningVar": numbers(running_var),
        "inferY": numbers(infer_y),
        "frozenDx": gradient(ex),
        "frozenDgamma": gradient(egamma),
        "frozenDbeta": gradient(ebeta),
    }
    if batches:
        running_mean3, running_var3 = running_mean0.clone(), running_var0.clone()
        for batch in batches:
            F.batch_norm(batch, running_mean3, running_var3, gamma, beta, training=True, momentum=momentum, eps=eps)
        out["batches"] = [numbers(batch) for batch in batches]
        out["runningMean3"] = numbers(running_mean3)
        out["runningVar3"] = numbers(running_var3)
    return out


def main():
    made_by = (
        f"PyTorch {torch.__version__} (CPU, one thread), Python {platform.python_version()}, float64, "
        f"src/verify/figures/pytorch.py, seed {SEED} + case index, {DATE}"
    )
    # allow_nan=False: NaN and infinity are no JSON, and no figure either.
    lines = [
        json.dumps(figures(i, case), separators=(",", ":"), allow_nan=False) for i, case in enumerate(CASES)
    ]
    sys.stdout.write('{"madeBy":%s,"cases":[\n%s\n]}\n' % (json.dumps(made_by), ",\n".join(lines)))


if __name__ == "__main__":
    main()
