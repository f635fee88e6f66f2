"""Progress bars can be switched off from outside, as tqdm says, and do not flood a log."""

import io
import os
import subprocess
import sys

import pytest

from seat_interp.core.progress import progress_bar

BAR = "from seat_interp.core.progress import progress_bar; list(progress_bar(range(3), desc='Working', show={show}))"


@pytest.mark.parametrize(
    ("show", "switch", "seen"), [(True, None, True), (True, "1", False), (False, None, False), (False, "1", False)]
)
def test_the_environment_switches_bars_off(show, switch, seen):
    given = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    run = subprocess.run(
        [sys.executable, "-c", BAR.format(show=show)],
        env=given | ({"TQDM_DISABLE": switch} if switch else {}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("Working" in run.stderr) is seen


@pytest.mark.parametrize(
    ("terminal", "notebook", "often"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_a_bar_is_drawn_rarely_in_a_log_alone(monkeypatch, terminal, notebook, often):
    written = io.StringIO()
    written.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    if notebook:
        monkeypatch.setitem(sys.modules, "ipykernel", sys)
    with progress_bar(total=3) as bar:
        assert (bar.mininterval < 1) is often
