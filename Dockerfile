# One image for every process: the command says which. `docker build -t osago-aggregator .`
FROM python:3.12.13-slim-trixie AS build
COPY deploy/uv.txt /tmp/uv.txt
RUN pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes --requirement /tmp/uv.txt
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/osago
WORKDIR /src
# The dependencies first: this layer stays as long as the lock does.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-group embedded --extra kafka --extra activemq --extra nats --extra webhook --extra otel --no-install-project
COPY README.md LICENSE insurers.toml ./
COPY alembic alembic
COPY app app
COPY bridge bridge
COPY cli cli
COPY osago_adapters osago_adapters
COPY osago_adapter_suite osago_adapter_suite
COPY sandbox sandbox
COPY workers workers
COPY deploy/postgresql.conf deploy/postgresql.conf
COPY docs/feed.schema.json docs/feed.schema.json
RUN uv sync --frozen --no-dev --no-group embedded --extra kafka --extra activemq --extra nats --extra webhook --extra otel --no-editable

FROM python:3.12.13-slim-trixie
# A number, so that a cluster can see that it is not root.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin osago
COPY --from=build /opt/osago /opt/osago
ENV PATH=/opt/osago/bin:$PATH
# Here OSAGO_INSURERS_FILE is looked for: mount insurers.toml into it.
WORKDIR /etc/osago
USER 10001
EXPOSE 8000 8100 9100
ENTRYPOINT ["osago"]
CMD ["--help"]
