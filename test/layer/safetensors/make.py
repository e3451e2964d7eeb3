"""Writes the files beside it, with Python's own libraries: safetensors 0.8.0, torch 2.13.0, flax 0.12.8.

    python make.py

torch.safetensors: what `save_file` makes of a module's state dict; features.4 in halves, features.5 in bfloat16, features.6 in float64,
    features.7 without gamma and beta, features.8 without running statistics, and integers beside them.
flax.safetensors: variables of flax.linen, flattened by '.'.
"""
import jax, jax.numpy as jnp, torch
from flax import linen
from flax.traverse_util import flatten_dict
from safetensors.flax import save_file as save_flax
from safetensors.torch import save_file
from torch import nn

norm = nn.BatchNorm2d
module = nn.Sequential()
module.features = nn.Sequential(
    nn.Conv2d(1, 3, 3), norm(3), nn.ReLU(), nn.Linear(3, 3), norm(3).half(), norm(3).bfloat16(), norm(3).double(), norm(3, affine=False),
    norm(3, track_running_stats=False),
)
module.register_buffer("position_ids", torch.arange(4))
state = module.state_dict()
for name, tensor in state.items():
    if name.endswith("num_batches_tracked"):
        tensor.fill_(12)
    elif name.endswith(("running_var", "weight")) and tensor.dim() == 1:
        tensor.copy_(torch.tensor([0.1, 2, 1e-3]))
    elif tensor.is_floating_point():
        tensor.copy_((torch.arange(tensor.numel()).reshape(tensor.shape) - 1) / 8)
save_file(state, "torch.safetensors", metadata={"format": "pt"})


class Net(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = linen.BatchNorm(use_running_average=True)(linen.Dense(3)(x))
        return linen.BatchNorm(use_running_average=True, use_scale=False, name="last")(x)


variables = Net().init(jax.random.key(0), jnp.ones((2, 2)))
flat = flatten_dict(variables, sep=".")
save_flax({name: jnp.arange(1, 1 + value.size, dtype=value.dtype).reshape(value.shape) for name, value in flat.items()}, "flax.safetensors")
