# glmha for CPUs: `docker build --tag glmha .`, then
#   docker run --rm --volume "$PWD:/data" glmha derain in.png out.png
# Files are read and written as user 1000; give `--user "$(id -u)"` where you are another.
# A third of the size, without PyTorch: `docker build --build-arg REQUIREMENTS=onnx --tag glmha .`
FROM python:3.13-slim AS build
ARG REQUIREMENTS=cpu
WORKDIR /src
COPY . .
RUN python -m venv /opt/glmha
ENV PATH=/opt/glmha/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN if [ "$REQUIREMENTS" = cpu ]; then \
        pip install torch -c constraints.txt --index-url https://download.pytorch.org/whl/cpu; \
    fi
RUN pip install -c constraints.txt -r "requirements/$REQUIREMENTS.txt"
RUN pip install --no-deps . && pip uninstall --yes pip

FROM python:3.13-slim
COPY --from=build /opt/glmha /opt/glmha
RUN useradd --uid 1000 --create-home glmha
USER glmha
WORKDIR /data
ENV PATH=/opt/glmha/bin:$PATH
ENTRYPOINT ["glmha"]
CMD ["--help"]
