"""Build the NMS for a GPU beside its source: `python -m ctpn.nms.build_cuda` from the repository's root.

Needs nvcc alone. Without it everything works: the CPU suppresses a page's proposals in less than a millisecond.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from common.files import replace_when_written

HERE = Path(__file__).resolve().parent


def build(target: Path | None = None) -> Path:
    """Compile `nms_cuda.cu` and return the library's path, `target` where one is given.

    Raises:
        RuntimeError: there is no nvcc, or it failed; the message ends in what it said.
    """
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        raise RuntimeError("nvcc is not on the PATH; it comes with NVIDIA's CUDA toolkit")
    name = "nms_cuda.dll" if sys.platform == "win32" else "libnms_cuda.so"
    path = target or HERE / name
    command = [nvcc, "-O2", "--fmad=false", "--shared"]
    if sys.platform != "win32":
        command += ["-Xcompiler", "-fPIC,-ffp-contract=off"]
    with replace_when_written(path) as partial:
        command += ["-o", str(partial), str(HERE / "nms_cuda.cu")]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["nothing was said"]
            raise RuntimeError(f"nvcc ended with {done.returncode}: {said[-1]}")
    return path


def main() -> int:
    """Build, and say in one line what came of it."""
    try:
        path = build()
    except (RuntimeError, OSError) as error:
        print(f"NMS for a GPU not built: {error}", file=sys.stderr)
        return 1
    print(f"built {path.name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
