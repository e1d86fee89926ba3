"""Compile Cython beside its source: `python -m common.build_cython ctpn/nms/nms_cython.pyx` from the repository's root.

Needs Cython and a C compiler, and neither numpy's headers nor an installation. Failure is no error for the
project: what is not compiled is done in numpy and Python, only slower.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path


def build(path: Path) -> Path:
    """Compile one file in place and return the extension's path."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    with tempfile.TemporaryDirectory() as scratch:
        # Fused multiply-add rounds differently, and a tie would then not be decided as in the definition.
        flags = [] if sys.platform == "win32" else ["-ffp-contract=off"]
        source = Extension(path.stem, [str(path)], extra_compile_args=flags)
        modules = cythonize([source], build_dir=scratch, quiet=True)
        command = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
        command.build_temp = scratch
        command.build_lib = str(path.parent)
        command.ensure_finalized()
        command.run()
        return path.parent / Path(command.get_ext_filename(path.stem)).name


def main() -> int:
    """Build what is named, and say in one line for each what came of it."""
    if not sys.argv[1:]:
        print("usage: python -m common.build_cython FILE.pyx ...", file=sys.stderr)
        return 2
    failed = 0
    for name in sys.argv[1:]:
        try:
            print(f"built {build(Path(name).resolve()).name}", file=sys.stderr)
        except ImportError as error:
            print(f"{name} not compiled: {error.name} is not installed", file=sys.stderr)
            failed = 1
        except Exception as error:  # noqa: BLE001 - compilers fail in too many ways to list
            print(f"{name} not compiled: the build failed ({error})", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
