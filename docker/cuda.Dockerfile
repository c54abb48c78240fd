# promptonce on NVIDIA cards. Not yet built by anybody: it was linted by reading alone. The driver is the host's.
#   docker build -f docker/cuda.Dockerfile -t promptonce:cuda .
#   docker run --rm --network none --gpus all -v "$PWD:/data" promptonce:cuda segment chest.nii.gz -o lungs.seg.nrrd ...
FROM python:3.12-slim

# PyPI's torch for Linux brings the libraries of CUDA.
RUN pip install --no-cache-dir "torch==2.13.0"
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
