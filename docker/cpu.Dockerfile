# promptonce on the processor. Not yet built by anybody: it was linted by reading alone.
#   docker build -f docker/cpu.Dockerfile -t promptonce .
#   docker run --rm --network none -v "$PWD:/data" promptonce segment chest.nii.gz -o lungs.seg.nrrd ...
FROM python:3.12-slim

# uv knows where PyTorch's builds for the processor are, as when the engine's own environment is installed.
RUN pip install --no-cache-dir uv && uv pip install --system --no-cache --torch-backend cpu "torch==2.13.0"
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE.txt ./
COPY PromptOnce PromptOnce
RUN pip install --no-cache-dir ".[engine]" setuptools wheel \
    && SAM2_BUILD_CUDA=0 pip install --no-cache-dir --no-build-isolation --no-deps "sam2==1.1.0" \
    && rm -rf /src/*

RUN useradd --create-home promptonce
USER promptonce
WORKDIR /data
ENTRYPOINT ["promptonce"]
CMD ["--help"]
