# The operator's image: Debian's Python, one virtual environment, nothing that can build or fetch a package.
# Facts and figures: docs/image.md. Builds with buildah, podman and BuildKit.

# Any Debian bookworm with dpkg. Packages named below are installed only where the base lacks them.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS python
RUN dpkg -s python3 ca-certificates >/dev/null 2>&1 \
    || { apt-get update \
         && apt-get install -y --no-install-recommends python3 ca-certificates \
         && rm -rf /var/lib/apt/lists/* /var/cache/apt/*; }


FROM python AS build
RUN dpkg -s python3-venv >/dev/null 2>&1 \
    || { apt-get update && apt-get install -y --no-install-recommends python3-venv; }

# The secret `ca`, where given, is a bundle trusted while fetching; it is mounted for one command and stays in no layer.
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
    && printf '%s\n' 'uv==0.13.9 \' \
         '--hash=sha256:d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19 \' \
         '--hash=sha256:5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe' > /tmp/uv.txt \
    && python3 -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes -r /tmp/uv.txt

# pyc files that are never checked against their source: they stay valid whatever a copy does to file times.
ENV UV_PROJECT_ENVIRONMENT=/opt/eso \
    UV_PYTHON=/usr/bin/python3 \
    UV_PYTHON_DOWNLOADS=never \
    UV_NO_CACHE=1 \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1 \
    PYC_INVALIDATION_MODE=UNCHECKED_HASH
WORKDIR /build

# Space separated names from [project.optional-dependencies].
ARG EXTRAS="aws azure ntlm"

# Dependencies are a layer of their own: it is rebuilt when the lock changes, not when the source does.
COPY pyproject.toml uv.lock ./
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca; fi \
    && for extra in ${EXTRAS}; do set -- "$@" --extra "$extra"; done \
    && /opt/uv/bin/uv sync --frozen --no-dev --no-install-project --no-build "$@"

COPY README.md LICENSE* ./
COPY src ./src
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca; fi \
    && for extra in ${EXTRAS}; do set -- "$@" --extra "$extra"; done \
    && /opt/uv/bin/uv sync --frozen --no-dev --no-editable "$@" \
    && rm /opt/eso/.lock


FROM python
ARG VERSION=0.1.0
ARG REVISION=""
LABEL org.opencontainers.image.title="eso" \
      org.opencontainers.image.description="An External Secrets operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

COPY --from=build /opt/eso /opt/eso

# Bytecode is in the image, so nothing is written at run time and the root file system may be read-only.
ENV PATH=/opt/eso/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# A number, so that runAsNonRoot can be checked without reading /etc/passwd.
USER 65532:65532
EXPOSE 8080 8082
ENTRYPOINT ["eso"]
CMD ["run"]
