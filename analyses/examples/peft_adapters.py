"""A trained sparse update as files: SHiRA and LoRA adapters for stock PEFT, and a delta that any script can add.

python -m analyses.examples.peft_adapters        (pip install 'seat_interp[peft]')
"""

import tempfile
from pathlib import Path

from peft import PeftModel

import seat_interp as si
from seat_interp.masks.peft_files import save_lora, save_shira
from seat_interp.masks.random import random_neurons
from seat_interp.masks.sparse_update import SparseUpdate
from seat_interp.organism.study import organism_facts
from seat_interp.training.config import TrainConfig
from seat_interp.training.trainer import train


def main() -> None:
    """Train with the compact trainer, save in three ways, load and merge each."""
    base = si.open_model("organism", device="cpu")
    facts = organism_facts("people").target[:32]
    mask = random_neurons(base, 0.05)
    tuned = train(base, facts, mask=mask, config=TrainConfig(steps=10, batch_size=16, learning_rate=5e-3)).model
    update = SparseUpdate.between(base=base.model, tuned=tuned.model, mask=mask)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        update.save(folder / "delta.safetensors")
        for kind, save in (("shira", save_shira), ("lora", save_lora)):
            adapter = save(update, base.model, folder / kind)
            merged = PeftModel.from_pretrained(base.copy().model, str(adapter)).merge_and_unload()
            worst = max(
                float((weight - merged.state_dict()[key]).abs().max())
                for key, weight in tuned.model.state_dict().items()
                if weight.is_floating_point()
            )
            size = sum(file.stat().st_size for file in adapter.iterdir()) / 2**20
            assert worst < 1e-7
            print(f"{kind}: {size:.2f} MiB, merged by PEFT to within {worst:.1g} of the tuned weights")
        print(f"delta: {(folder / 'delta.safetensors').stat().st_size / 2**20:.2f} MiB")


if __name__ == "__main__":
    main()
