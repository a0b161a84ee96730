# The server and nothing else: wheels with their hashes, a user without rights, no compiler.
# docs/running.md says how it is run; compose.yaml puts a PostgreSQL and a Valkey beside it.
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source

# What changes seldom comes first, so that a new release of ours reuses these layers.
COPY requirements/build.txt requirements/run.txt requirements/
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --quiet --require-hashes --only-binary :all: -r requirements/build.txt
RUN python -m venv --without-pip /opt/event-seating \
 && /opt/build/bin/uv pip install --quiet --no-cache --python /opt/event-seating/bin/python \
      --compile-bytecode --require-hashes --only-binary :all: -r requirements/run.txt

COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/build/bin/hatchling build -t wheel -d /wheel \
 && /opt/build/bin/uv pip install --quiet --no-cache --python /opt/event-seating/bin/python \
      --compile-bytecode --no-deps --no-index /wheel/*.whl

FROM python:${PYTHON_VERSION}-slim
# The number is fixed, so that a volume or a secret can be given to it.
RUN groupadd --system --gid 10001 event-seating \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent event-seating \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/event-seating
COPY --from=build /opt/event-seating /opt/event-seating

# HOST=0.0.0.0 and production both need an ADMIN_API_KEY (or ADMIN_API_KEY_FILE): without one the
# server refuses to start and says so. Logs go to standard output, where Docker keeps them.
ENV PATH=/opt/event-seating/bin:$PATH \
    APP_ENV=production \
    HOST=0.0.0.0 \
    PORT=3001 \
    DATA_DIR=/var/lib/event-seating \
    LOG_DIR=off
USER 10001:10001
VOLUME /var/lib/event-seating
EXPOSE 3001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:%s/health/ready' % os.environ['PORT'], timeout=4)"]

# `migrate` once for each release, then `serve`.
ENTRYPOINT ["event-seating"]
CMD ["serve"]
