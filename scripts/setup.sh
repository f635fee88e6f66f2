#!/usr/bin/env bash
# Make a virtual environment and install the package in it: setup.sh PYTHON VENV "PIP ARGUMENTS".
# A torch that is already in VENV stays. Without one, a machine with an NVIDIA GPU (or a Mac) gets the
# newest torch; a CPU-only machine gets TORCH_CPU, so that no CUDA libraries are downloaded.
set -euo pipefail
python=$1 venv=$2 packages=$3
torch_cpu=${TORCH_CPU:-torch==2.13.0}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "seat_interp needs Python 3.11 or newer, and $python is $("$python" --version). Name another: make PYTHON=python3.12 ..." >&2
    exit 1
}
[ -x "$venv/bin/python" ] || { echo "Creating $venv ..."; "$python" -m venv "$venv"; }
pip() { "$venv/bin/python" -m pip install --disable-pip-version-check --quiet "$@"; }

if ! "$venv/bin/python" -c "import torch" 2>/dev/null; then
    if command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi >/dev/null 2>&1 || [ "$(uname -s)" = Darwin ]; then
        echo "Installing torch for this machine's accelerator ..."
        pip torch
    else
        # --no-deps keeps CUDA packages out even where the index names them; the rest is pure Python.
        echo "Installing $torch_cpu for CPU ..."
        pip --no-deps "$torch_cpu"
        pip filelock typing-extensions sympy networkx jinja2 fsspec setuptools
        "$venv/bin/python" -c "import torch" 2>/dev/null || {
            echo "$torch_cpu does not load here without CUDA. Give pip a CPU build: TORCH_CPU='torch==2.13.0+cpu' and PIP_EXTRA_INDEX_URL set to PyTorch's CPU index." >&2
            exit 1
        }
    fi
fi
echo "Installing seat_interp ($packages) ..."
# shellcheck disable=SC2086
pip $packages
