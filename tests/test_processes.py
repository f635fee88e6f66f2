"""Two gloo processes against one: the same captures, bit for bit."""

import subprocess
import sys
from pathlib import Path

import torch
from test_shards import MANY, bytes_of

from seat_interp.capture import Shards, capture, capture_to
from seat_interp.files import load_tensors
from seat_interp.processes import Processes, processes

TESTS = Path(__file__).parent
TWO = """
import sys; sys.path.insert(0, {tests!r})
import torch; torch.set_num_threads(1)
from pathlib import Path
from tiny_models import make_model, make_tokenizer
from seat_interp.capture import AtToken, Projection, capture, capture_to
from seat_interp.processes import processes
from test_shards import MANY
out, lm, here = Path({out!r}), make_model("llama", make_tokenizer()), processes()
for name, some in (("many", MANY), ("one", MANY[:1])):
    capture(lm, some, batch_size=4, progress=False).save(out / f"{{name}}-{{here.rank}}.safetensors")
capture_to(out / "shards", lm, MANY, shard=7, progress=False)
"""


def test_two_processes_capture_what_one_does(llama, tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO.format(tests=str(TESTS), out=str(tmp_path)))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(launch, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for name, some in (("many", MANY), ("one", MANY[:1])):
        expected = capture(llama, some, batch_size=4, progress=False)
        for rank in (0, 1):
            values, header = load_tensors(tmp_path / f"{name}-{rank}.safetensors", "seat_interp.capture")
            assert torch.equal(values["values"], expected.values)
            assert header["origin"] == expected.origin
    capture_to(tmp_path / "alone", llama, MANY, shard=7, progress=False)
    two, one = bytes_of(tmp_path / "shards"), bytes_of(tmp_path / "alone")
    assert {n: b for n, b in two.items() if "manifest" not in n} == {
        n: b for n, b in one.items() if "manifest" not in n
    }
    assert Shards.open(tmp_path / "shards").shards == Shards.open(tmp_path / "alone").shards


def test_shares_are_whole_and_apart():
    batches = list(range(11))
    shares = [Processes(rank, 3).mine(batches) for rank in range(3)]
    assert sorted(each for share in shares for each in share) == batches
    assert processes() == Processes(0, 1)
    assert torch.equal(processes().summed(torch.ones(2)), torch.ones(2))
