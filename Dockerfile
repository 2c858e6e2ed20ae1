# One recipe for every service: docker build --build-arg SERVICE=news-views --build-arg MODULE=news_views .
ARG PYTHON=python:3.11-slim-bookworm

FROM ghcr.io/astral-sh/uv:0.13 AS uv

FROM ${PYTHON} AS build
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/app
WORKDIR /src
COPY pyproject.toml uv.lock ./
COPY shared shared
COPY services services
COPY cli cli
ARG SERVICE
RUN uv sync --locked --no-dev --no-editable --package "${SERVICE}"

FROM ${PYTHON}
RUN useradd --system --uid 10001 --no-create-home newsfeed
COPY --from=build /app /app
ARG SERVICE
ENV PATH=/app/bin:$PATH NEWS_SERVICE_COMMAND=${SERVICE} NEWS_HOST=0.0.0.0 NEWS_PORT=8000 PYTHONUNBUFFERED=1
USER newsfeed
EXPOSE 8000
# By bash, since the slim image has no curl, and a Python for each look would take a twentieth of a core for each role.
HEALTHCHECK --interval=2s --timeout=5s --start-period=60s --retries=30 CMD ["bash", "-c", "\
    exec 3<>/dev/tcp/127.0.0.1/$NEWS_PORT && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 \
    && read -r answer <&3 && [[ $answer == *' 200 '* ]]"]
# exec: the role is process 1 and gets SIGTERM itself
ENTRYPOINT ["sh", "-c", "exec \"$NEWS_SERVICE_COMMAND\" \"$@\"", "--"]
