"""Build the compiled NMS beside its source: `python -m ctpn.nms.setup` from the repository's root.

Needs Cython and a C compiler, and neither numpy's headers nor an installation. Failure is no error
for the project: reading works with the numpy version, only slower on pages with thousands of
strips.
"""

from __future__ import annotations

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


def main() -> int:
    """Build, and say in one line what came of it."""
    try:
        path = build()
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
