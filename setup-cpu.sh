#!/bin/sh
# Make the environment .venv: what reading needs, with --web also the web page and service, with --video
# also clips and screens, with --dev everything, training and tests.
# A second run finds everything in place and takes no time. Needs Python 3.11 or newer; another
# than python3 is named as in: PYTHON=python3.12 sh setup-cpu.sh
set -eu
cd "$(dirname "$0")"

say() { echo "setup: $*" >&2; }
fail() { say "error: $*"; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }
has() { command -v "$1" >/dev/null 2>&1; }

requirements=requirements.txt
kind=runtime
for option in "$@"; do
    case $option in
        --dev) requirements=requirements-dev.txt; kind=dev ;;
        --web) requirements=requirements-web.txt; kind=web ;;
        --video) requirements=requirements-video.txt; kind=video ;;
        *) echo "usage: sh $0 [--dev | --web | --video]" >&2; exit 2 ;;
    esac
done
# setup.sh asks for the version with CUDA instead.
onnxruntime=${ONNXRUNTIME:-onnxruntime}
base=${PYTHON:-python3}
python=.venv/bin/python

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2 && return
    # A machine that never looked has no lists of packages.
    apt-get update -q >&2 &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

check_python() {
    has "$base" || fail "$base is not installed; Debian and Ubuntu: apt-get install python3-venv"
    "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$("$base" --version) is too old: install 3.11 or newer and name it in PYTHON"
    "$base" -c 'import venv, ensurepip' 2>/dev/null && return
    # Debian cuts these two out of Python into a package of their own.
    version=$("$base" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if is_root && has apt-get; then
        say "installing python$version-venv"
        apt_install "python$version-venv" || fail "apt-get could not install python$version-venv"
    else
        fail "$base has no venv; Debian and Ubuntu: sudo apt-get install python$version-venv"
    fi
}

install_packages() {
    "$python" -m pip --version >/dev/null 2>&1 || "$base" -m venv --clear .venv
    # Both versions of ONNX Runtime install the same module, so only one may be there.
    for other in onnxruntime onnxruntime-gpu; do
        [ $other = "$onnxruntime" ] || ! "$python" -m pip show -q $other 2>/dev/null ||
            "$python" -m pip uninstall -y -q $other >&2
    done
    # What reading needs is compared with recorded hashes: nothing but the released files gets in.
    lock=requirements.lock
    [ "$onnxruntime" = onnxruntime ] || lock=requirements-gpu.lock
    "$python" -m pip install --disable-pip-version-check --no-input --require-hashes \
        -r $lock >&2 || fail "pip could not install $lock (see above)"
    [ $kind != runtime ] || return 0
    # The pins are the same, so what is there stays.
    sed "s/^onnxruntime==/$onnxruntime==/" requirements.txt >"$scratch/requirements.txt"
    for file in requirements-*.txt; do cp "$file" "$scratch"; done
    "$python" -m pip install --disable-pip-version-check --no-input \
        -r "$scratch/$requirements" >&2 || fail "pip could not install $requirements (see above)"
}

# Cython and setuptools serve the build alone, so they do not enter the environment.
sources="ctpn/nms/nms_cython.pyx recognition/decoding/prefix_search_cython.pyx"
compile() {
    # shellcheck disable=SC2086
    if "$python" -m pip install --disable-pip-version-check --no-input -q \
        --target "$scratch/build" Cython==3.3.1 setuptools==84.2.1 >"$scratch/log" 2>&1 &&
        PYTHONPATH="$scratch/build" "$python" -m common.build_cython $sources >>"$scratch/log" 2>&1; then
        say "NMS and search compiled"
    else
        say "NMS and search not compiled, Python does their work, slower: $(tail -n 1 "$scratch/log")"
        say "to compile them, install a C compiler and Python's headers (apt-get install gcc python3-dev)"
    fi
}

# The renderer draws with the system's fonts.
install_fonts() {
    list=train/synth/font-packages.txt
    [ -f $list ] && has dpkg || return 0
    missing=
    for package in $(sed 's/#.*//' $list); do
        dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if is_root && has apt-get; then
        # shellcheck disable=SC2086
        apt_install $missing || say "could not install fonts for the renderer:$missing"
    else
        say "fonts for the renderer are missing: sudo apt-get install$missing"
    fi
}

# Tests of the web page drive a browser, those of PDFs read them with another program; without these
# they are skipped.
install_programs() {
    missing=
    has chromium || has google-chrome || missing=chromium
    has pdftotext || missing="$missing poppler-utils"
    [ -n "$missing" ] || return 0
    if is_root && has apt-get; then
        # shellcheck disable=SC2086
        apt_install $missing || say "could not install, so some tests are skipped:$missing"
    else
        say "some tests are skipped without: sudo apt-get install $missing"
    fi
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# shellcheck disable=SC2086
stamp=$(cat setup-cpu.sh requirements*.txt requirements*.lock $sources common/build_cython.py | cksum)
stamp="$stamp $base $onnxruntime"
others=dev
[ $kind != runtime ] || others="dev web video"
for done_before in $others "$kind"; do
    if [ -x $python ] && [ "$(cat ".venv/setup-$done_before" 2>/dev/null)" = "$stamp" ]; then
        say "$kind environment is in place"
        exit 0
    fi
done
check_python
install_packages
compile
[ $kind != dev ] || { install_fonts; install_programs; }
echo "$stamp" >".venv/setup-$kind"
say "$kind environment is ready: $python"
