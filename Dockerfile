# The web page and the service, on the CPU.
#
#     docker build -t ocr .
#     docker run --rm -p 127.0.0.1:8000:8000 --read-only --tmpfs /tmp --stop-timeout 300 ocr
#
# Options of `python -m ocr.web` go behind the image's name. A stop finishes what was accepted: give it
# the time that the service's own limits allow.
FROM python:3.12-slim-bookworm

ENV PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app

# First what changes seldom, so that a change of the code does not install everything again.
COPY setup-cpu.sh requirements*.txt requirements*.lock ./
COPY common/build_cython.py common/
COPY ctpn/nms ctpn/nms
COPY recognition/decoding/prefix_search_cython.pyx recognition/decoding/
RUN sh setup-cpu.sh --web && sh setup-cpu.sh --video

COPY common common
COPY detection detection
COPY recognition recognition
COPY angle angle
COPY ctpn ctpn
COPY crnn crnn
COPY ocr ocr
COPY demo.py ./
COPY weights weights

RUN useradd --system --no-create-home ocr
USER ocr

EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD [".venv/bin/python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT [".venv/bin/python", "-m", "ocr.web", "--host", "0.0.0.0"]
