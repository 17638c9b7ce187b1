# docker build .                              with llama.cpp on the CPU
# docker build --build-arg VARIANT=cuda .     with Transformers on an NVIDIA GPU
# docs/deploying.md says how it is run.

# Debian with Python 3.11 or newer, its venv and pip; the same for both stages.
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
ARG VARIANT=cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
WORKDIR /src
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]

# What changes seldom comes first. A pip.conf of your own is the secret "pip", in none of the layers; "torch" is
# one for torch alone, which without CUDA comes from elsewhere.
COPY pyproject.toml constraints.txt ./
RUN --mount=type=secret,id=pip,target=/run/secrets/pip.conf,required=false \
    --mount=type=secret,id=torch,target=/run/secrets/torch.conf,required=false \
    case "$VARIANT" in cpu | cuda) ;; *) echo "VARIANT is cpu or cuda, not $VARIANT" >&2; exit 1 ;; esac; \
    if [ -f /run/secrets/pip.conf ]; then export PIP_CONFIG_FILE=/run/secrets/pip.conf; fi; \
    python3 -m venv /opt/codex; \
    grep -E '^torch==' constraints.txt > /tmp/torch.txt; \
    torch=(/opt/codex/bin/pip install --no-cache-dir --requirement /tmp/torch.txt); \
    if [ -f /run/secrets/torch.conf ]; then PIP_CONFIG_FILE=/run/secrets/torch.conf "${torch[@]}"; else "${torch[@]}"; fi; \
    /opt/codex/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > /tmp/needed.txt; \
    /opt/codex/bin/pip install --no-cache-dir --constraint constraints.txt --requirement /tmp/needed.txt

COPY README.md LICENSE ./
COPY codex codex
COPY pages pages
COPY assets assets
COPY datasets datasets
RUN --mount=type=secret,id=pip,target=/run/secrets/pip.conf,required=false \
    if [ -f /run/secrets/pip.conf ]; then export PIP_CONFIG_FILE=/run/secrets/pip.conf; fi; \
    /opt/codex/bin/pip install --no-cache-dir --no-deps .


FROM ${BASE}
ARG VARIANT=cpu
LABEL org.opencontainers.image.title="Codex" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.1.0-${VARIANT}"

# /data is the home: models, documents, the database. Nothing else is written, except to /tmp.
RUN groupadd --gid 10001 codex \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin codex \
    && install --directory --mode 0700 --owner codex --group codex /data
COPY --from=build /opt/codex /opt/codex
ENV PATH=/opt/codex/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    CODEX_HOME=/data \
    HF_HOME=/data/huggingface \
    XDG_CACHE_HOME=/tmp/cache \
    XDG_CONFIG_HOME=/tmp/config \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 7860

# The interpreter that is there anyway, so that the image needs no curl. A model that loads is no failure yet.
HEALTHCHECK --interval=15s --timeout=5s --start-period=5m --retries=3 \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]

# Without a user or a key it refuses to serve, and says which command makes one.
ENTRYPOINT ["codex"]
CMD ["serve", "server.host=0.0.0.0", "server.grace_seconds=25"]
