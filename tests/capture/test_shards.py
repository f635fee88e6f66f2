"""Captures on disk against captures in memory; kills at random moments; damage."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from many_prompts import MANY, bytes_of

from seat_interp.capture import AtToken, Projection, Shards, capture, capture_to, stream
from seat_interp.core.errors import SeatError


def test_shards_hold_what_a_capture_holds(llama, tmp_path):
    whole = capture(llama, MANY, progress=False).values
    found = capture_to(llama, iter(MANY), tmp_path / "c", shard=7, progress=False)
    assert [len(values) for values in found] == [7, 7, 7, 7, 2]
    torch.testing.assert_close(torch.cat(list(found)), whole, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found[5:16], torch.cat(list(found))[5:16], rtol=0, atol=0)
    torch.testing.assert_close(found[-1][0], torch.cat(list(found))[-1], rtol=0, atol=0)
    assert len(found) == len(MANY)
    assert found.about["origin"]["model"] == llama.fingerprint
    found.verify()
    torch.testing.assert_close(torch.cat(list(stream(llama, MANY, chunk=7))), torch.cat(list(found)), rtol=0, atol=0)
    for wrong in (30, slice(3, 3), slice(0, 9, 2)):
        with pytest.raises(SeatError, match="no prompts"):
            found[wrong]


def test_a_capture_goes_on_and_mends_damage(llama, tmp_path):
    how = {"shard": 7, "progress": False}
    capture_to(llama, MANY, tmp_path / "whole", **how)
    capture_to(llama, MANY[:14], tmp_path / "part", **how)
    expected = bytes_of(tmp_path / "whole")
    capture_to(llama, MANY, tmp_path / "part", **how)
    assert bytes_of(tmp_path / "part") == expected

    damaged = tmp_path / "part" / "000001.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    with pytest.raises(SeatError, match=r"000001\.safetensors is not as it was written"):
        Shards.open(tmp_path / "part").verify()
    (tmp_path / "part" / "000003.safetensors").unlink()
    with pytest.raises(SeatError, match=r"000003\.safetensors is missing"):
        Shards.open(tmp_path / "part")
    capture_to(llama, MANY, tmp_path / "part", **how)
    assert bytes_of(tmp_path / "part") == expected


def test_what_killed_writers_left_is_cleared_away(llama, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    capture_to(llama, MANY, whole, shard=7, progress=False)
    cut.mkdir()
    (cut / ".about.json.ab_cd123").write_text("")  # killed before anything was written
    capture_to(llama, MANY[:7], cut, shard=7, progress=False)
    (cut / ".000001.safetensors.xy_z9876").write_bytes(b"half")
    (cut / ".tmpbdlF2R").write_bytes(b"half")  # safetensors', which writes to a name of its own first
    (cut / ".notes").write_text("the user's own")
    capture_to(llama, MANY, cut, shard=7, progress=False)
    (cut / ".notes").unlink()
    assert bytes_of(cut) == bytes_of(whole)


def test_other_captures_are_refused(llama, tmp_path):
    capture_to(llama, MANY, tmp_path, shard=7, progress=False)
    with pytest.raises(SeatError, match="a capture with other settings"):
        capture_to(llama, MANY, tmp_path, shard=7, reduce=AtToken(-2), progress=False)
    with pytest.raises(SeatError, match="of other questions"):
        capture_to(llama, MANY[1:], tmp_path, shard=7, progress=False)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(SeatError, match="something that is no capture"):
        capture_to(llama, MANY, tmp_path / "other", progress=False)
    with pytest.raises(SeatError, match="the set is empty"):
        capture_to(llama, [], tmp_path / "empty", progress=False)
    with pytest.raises(SeatError, match="Cannot read"):
        Shards.open(tmp_path / "nowhere")


CUT_OFF = """
import sys; sys.path.insert(0, {tests!r})
import torch; torch.set_num_threads({threads})
from tiny_models import make_model, make_tokenizer
from seat_interp.capture import capture_to
from many_prompts import MANY
capture_to(make_model("llama", make_tokenizer()), MANY * 20, {folder!r}, shard=3, progress=False)
print("whole")
"""


@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_kills_at_random_moments_and_the_same_bytes(llama, tmp_path, kills):
    script = CUT_OFF.format(
        tests=str(Path(__file__).parents[1]), folder=str(tmp_path / "killed"), threads=torch.get_num_threads()
    )
    draw, ended, folder = random.Random(0), 0, tmp_path / "killed"
    for _ in range(kills):
        before = len(list(folder.glob("*.safetensors")))
        job = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        since = time.monotonic()  # the import takes longest: the clock starts when there is another shard
        while len(list(folder.glob("*.safetensors"))) <= before and time.monotonic() - since < 60:
            if job.poll() is not None:
                break
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.1))
        os.kill(job.pid, signal.SIGKILL)
        ended += b"whole" in job.communicate()[0]
    assert ended < kills  # at least one was cut off
    capture_to(llama, MANY * 20, folder, shard=3, progress=False)
    capture_to(llama, MANY * 20, tmp_path / "whole", shard=3, progress=False)
    killed, whole = bytes_of(folder), bytes_of(tmp_path / "whole")
    assert killed.keys() == whole.keys()
    assert [name for name in whole if killed[name] != whole[name]] == []


def test_projections_need_no_width(llama, tmp_path):
    vectors = torch.nn.functional.normalize(torch.randn(3, 32, dtype=torch.float64), dim=-1)
    found = capture_to(llama, MANY, tmp_path / "p", shard=9, reduce=Projection(vectors), progress=False)
    assert found[:].shape == (len(MANY), 3, 1)
    expected = capture(llama, MANY, progress=False).values.double()
    torch.testing.assert_close(found[:][..., 0], (expected * vectors).sum(-1), rtol=1e-4, atol=1e-4)
