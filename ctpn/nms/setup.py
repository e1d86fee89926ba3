"""Build the compiled NMS beside its source: `python -m ctpn.nms.setup` from the repository's root.

Needs Cython and a C compiler, and neither numpy's headers nor an installation. Failure is no error
for the project: reading works with the numpy version, only slower on pages with thousands of
strips. `python -m ctpn.nms.setup cuda` builds the version for a GPU, which needs nvcc alone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def build() -> Path:
    """Compile `nms_cython.pyx` in place and return the extension's path."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    with tempfile.TemporaryDirectory() as scratch:
        # Fused multiply-add rounds differently, and a tie would then not be decided as in numpy.
        flags = [] if sys.platform == "win32" else ["-ffp-contract=off"]
        source = Extension("nms_cython", [str(HERE / "nms_cython.pyx")], extra_compile_args=flags)
        modules = cythonize([source], build_dir=scratch, quiet=True)
        command = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
        command.build_temp = scratch
        command.build_lib = str(HERE)
        command.ensure_finalized()
        command.run()
        return HERE / Path(command.get_ext_filename("nms_cython")).name


def build_cuda(target: Path | None = None) -> Path:
    """Compile `nms_cuda.cu` and return the library's path, `target` where one is given.

    Raises:
        RuntimeError: there is no nvcc, or it failed; the message ends in what it said.
    """
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        raise RuntimeError("nvcc is not on the PATH; it comes with NVIDIA's CUDA toolkit")
    name = "nms_cuda.dll" if sys.platform == "win32" else "libnms_cuda.so"
    path = target or HERE / name
    partial = path.with_name(path.name + ".part")
    command = [nvcc, "-O2", "--fmad=false", "--shared", "-o", str(partial)]
    if sys.platform != "win32":
        command += ["-Xcompiler", "-fPIC,-ffp-contract=off"]
    done = subprocess.run([*command, str(HERE / "nms_cuda.cu")], capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing was said"]
        raise RuntimeError(f"nvcc ended with {done.returncode}: {said[-1]}")
    partial.replace(path)
    return path


def main() -> int:
    """Build, and say in one line what came of it."""
    if sys.argv[1:] not in ([], ["cuda"]):
        print("usage: python -m ctpn.nms.setup [cuda]", file=sys.stderr)
        return 2
    try:
        path = build_cuda() if sys.argv[1:] else build()
    except ImportError as error:
        print(f"NMS stays in numpy: {error.name} is not installed", file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - compilers fail in too many ways to list
        print(f"NMS stays in numpy: the build failed ({error})", file=sys.stderr)
        return 1
    print(f"built {path.name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
