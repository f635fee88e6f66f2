"""How likely a model's tokens are, one reply at a time: what batches are compared with."""

import torch

from seat_interp.models.prompts import encode_prompts


@torch.no_grad()
def log_probabilities(lm, question, ids):
    """Of each token of a reply, in one unpadded sequence."""
    prompt = encode_prompts(lm, [question])[0]
    logits = lm.model(torch.tensor([[*prompt, *ids]])).logits[0, len(prompt) - 1 : -1]
    return logits.log_softmax(-1).gather(-1, torch.tensor(ids)[:, None])[:, 0]
