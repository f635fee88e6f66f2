"""A direction handed back to TransformerLens, as a hook function, and to nnsight, as an intervention.

    python -m analyses.examples.hand_over            (needs seat_interp[lens,nnsight])

Fits the organism's ignorance direction, adds it in each package's own call, and checks that both give what plain torch
hooks give.
"""

import nnsight
import torch
from transformer_lens.model_bridge.sources import build_bridge_from_module

import seat_interp as si
from seat_interp.capture.nnsight import intervene
from seat_interp.capture.transformer_lens import hook_function
from seat_interp.directions.steering import addition
from seat_interp.models.prompts import encode_prompts

LAYER = 1
"""After which the organism's direction acts most."""


def main() -> dict[str, float]:
    """Say how likely the reply starts with "I", as refusals do, before and after."""
    lm = si.open_model("organism")
    facts = si.organism_facts("people")
    direction = si.fit_direction(lm, unknown=facts.fit_unknown, known=facts.fit_known)
    edit = addition(direction.raw[LAYER], factor=2.0)
    ids = torch.tensor(encode_prompts(lm, [facts.known[0].question]))
    refusal = lm.tokenizer("I do not know", add_special_tokens=False)["input_ids"][0]

    def likely(logits: torch.Tensor) -> float:
        return float(logits[0, -1].softmax(-1)[refusal])

    with torch.no_grad():
        found = {"as it is": likely(lm.model(ids).logits)}

        with si.add_direction(lm, direction, 2.0, layers=[LAYER]):
            found["torch hooks"] = likely(lm.model(ids).logits)

        inner = lm.copy().model  # a bridge replaces its model's modules
        bridge = build_bridge_from_module(inner, architecture="LlamaForCausalLM", hf_config=inner.config)
        logits = bridge.run_with_hooks(ids, fwd_hooks=[(f"blocks.{LAYER}.hook_out", hook_function(edit))])
        found["TransformerLens"] = likely(logits)

        model = nnsight.NNsight(lm.model)
        intervene(model, lm.sites.blocks[LAYER], edit)
        with model.trace(ids):
            traced = model.output.logits.save()
        found["nnsight"] = likely(traced)

    for name, probability in found.items():
        print(f"{name:16s} P(refusal) = {probability:.3f}")
    assert max(abs(found[name] - found["torch hooks"]) for name in ("TransformerLens", "nnsight")) < 1e-4
    return found


if __name__ == "__main__":
    main()
