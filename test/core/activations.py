"""Activations by PyTorch: f(z) and f'(z) · dy in float64, gradients by its autograd.

    /usr/bin/python3 test/core/activations.py > test/core/activations.json

Needs Debian's `python3-torch` (CPU). z holds the kinks themselves, both zeros, values far out, and a grid between.
"""

import json
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

FUNCTIONS = {
    "none": lambda z: z * 1,
    "relu": F.relu,
    "leakyRelu": F.leaky_relu,
    "leakyRelu 0.25": lambda z: F.leaky_relu(z, 0.25),
    "relu6": F.relu6,
    "silu": F.silu,
    "hardSwish": F.hardswish,
    "gelu": lambda z: F.gelu(z, approximate="tanh"),
}
Z = [0.0, -0.0, 6.0, -3.0, 3.0, 1e-30, -1e-30, 40.0, -40.0, 700.0, -700.0] + [i / 8 + 1 / 64 for i in range(-64, 65)]

dy = torch.tensor([0.5 + (i % 7) / 4 for i in range(len(Z))])
cases = []
for name, function in FUNCTIONS.items():
    z = torch.tensor(Z, requires_grad=True)
    y = function(z)
    y.backward(dy)
    cases.append({"name": name, "y": y.tolist(), "dz": z.grad.tolist()})

made_by = f"PyTorch {torch.__version__} (CPU), Python {sys.version.split()[0]}, float64, test/core/activations.py"
print(json.dumps({"madeBy": made_by, "z": Z, "dy": dy.tolist(), "cases": cases}, indent=0))
