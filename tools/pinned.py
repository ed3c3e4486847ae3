"""Installs Python tools in `.runtime` at exactly the pinned versions."""

import shutil
import subprocess
import sys
from pathlib import Path


def install(home: Path, required: Path) -> Path:
    """Installs the wheels listed in `required` into `home` if they are missing. Returns the directory with their executables."""
    programs, installed = home / "venv" / "bin", home / "requirements.txt"
    if installed.exists() and installed.read_bytes() == required.read_bytes():
        return programs
    installed.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", home / "venv"], check=True)
    pip = [programs / "python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--no-deps", "--only-binary", ":all:", "--requirement", required], check=True)
    subprocess.run([*pip, "check"], check=True)
    # This must be the last step, so that an incomplete installation is never treated as complete.
    shutil.copyfile(required, installed)
    return programs


if __name__ == "__main__":
    TOOLS = Path(__file__).resolve().parent
    print(install(TOOLS.parent / ".runtime" / sys.argv[1], TOOLS / f"{sys.argv[1]}.txt"))
