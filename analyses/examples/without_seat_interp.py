"""A mask file without seat_interp: the lines between the rules need torch and safetensors alone.

python -m analyses.examples.without_seat_interp MODEL_FOLDER mask.safetensors
"""

import sys

import torch
from transformers import AutoModelForCausalLM

folder, path = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(folder)
before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}

# ---------------------------------------------------------------------------------------------------------------
import json  # noqa: E402

from safetensors import safe_open  # noqa: E402

with safe_open(path, framework="pt") as file:
    header = json.loads(file.metadata()["seat_interp"])
    model.requires_grad_(False)
    for name in file.keys():  # noqa: SIM118
        chosen, axis, weight = file.get_tensor(name).long(), header["axes"][name], model.get_parameter(name)
        dense = torch.zeros(weight.numel() if axis is None else weight.shape)
        dense = dense.index_fill(axis or 0, chosen, 1.0).view(weight.shape)
        weight.requires_grad_(True).register_hook(lambda grad, dense=dense: grad * dense)
optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], weight_decay=0.0)
# ---------------------------------------------------------------------------------------------------------------

ids = torch.arange(4, 36).view(2, 16)
for _ in range(3):
    optimiser.zero_grad()
    model(input_ids=ids, labels=ids).loss.backward()
    optimiser.step()
inside = {}
with safe_open(path, framework="pt") as file:
    for name in file.keys():  # noqa: SIM118
        weight, axis = model.get_parameter(name), header["axes"][name]
        places = torch.arange(weight.numel()).view(weight.shape)
        rows = file.get_tensor(name).long()
        inside[name] = (places.flatten() if axis is None else places).index_select(axis or 0, rows).flatten()
changed = 0
for name, parameter in model.named_parameters():
    moved = (parameter != before[name]).flatten()
    changed += int(moved.sum())
    moved[inside.get(name, torch.empty(0, dtype=torch.long))] = False
    assert not moved.any(), f"{name} has changed outside the mask"
allowed = sum(map(len, inside.values()))
assert changed > 0
print(f"{changed:,} of {allowed:,} weights in the mask changed, none outside it")
