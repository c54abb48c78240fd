#!/usr/bin/env bash
# Train the embedded model further on a machine with a GPU, in a quarter of an hour:
#   training/gpu_run.sh [--minutes 8] [--bench-minutes 2] [--output FOLDER] [--device cpu]
# A second call with the same folder goes on. See --help and training/README.md.
#
# Nothing is downloaded where the packages are there: in PYTHONPATH, .venv, $PYTHON or the system's Python. torch has to
# be; other packages that are missing are installed into training/runs/env if a package index can be reached.
set -euo pipefail
cd "$(dirname "$0")/.."

modules=(torch numpy scipy PIL tqdm pydantic platformdirs hydra omegaconf iopath sam2)
packages=(numpy scipy pillow tqdm pydantic platformdirs hydra-core omegaconf iopath matplotlib)

lacks() { # python -> names of the modules it cannot import
    "$1" - "${modules[@]}" <<'PYTHON'
import importlib.util, sys
print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name) is None))
PYTHON
}

with_torch=""
for python in ${PYTHON:-} training/runs/env/bin/python .venv/bin/python python3 python; do
    command -v "$python" >/dev/null || continue
    missing=$(lacks "$python") || continue
    if [ -z "$missing" ]; then
        with_torch=$python
        break
    fi
    [[ " $missing " == *" torch "* ]] || with_torch=${with_torch:-$python}
done
if [ -z "$with_torch" ]; then
    echo "No Python here can import torch. Set PYTHON to one that can, or install torch (see pytorch.org)." >&2
    exit 1
fi

missing=$(lacks "$with_torch")
if [ -n "$missing" ]; then
    echo "$with_torch lacks: $missing. Trying to install into training/runs/env."
    env=training/runs/env
    if ! { "$with_torch" -m venv --system-site-packages "$env" \
        && "$env/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" \
        && SAM2_BUILD_CUDA=0 "$env/bin/python" -m pip install --quiet --no-build-isolation --no-deps sam2==1.1.0; }; then
        rm -rf "$env"
        echo "That failed. Without a package index, bring the packages in a folder and name it in PYTHONPATH:" >&2
        echo "on a computer that has one, pip install --target FOLDER --no-deps PACKAGES of the same Python version." >&2
        exit 1
    fi
    with_torch=$env/bin/python
fi

export PYTHONPATH="PromptOnce:.${PYTHONPATH:+:$PYTHONPATH}"
export OMP_WAIT_POLICY=PASSIVE
exec "$with_torch" -m training.gpu_run "$@"
