#!/bin/sh
# What a container makes outside of what is mounted is gone with it, and nobody would have said so.
if ! grep -q -e ' /ewc-lambda ' -e ' /ewc-lambda/results ' /proc/mounts; then
    echo 'results: are lost with this container. Keep them: --volume "$PWD/results:/ewc-lambda/results"' >&2
fi
# A user given by number has no name here, and Snakemake asks for one.
export USER="${USER:-$(id -un 2>/dev/null || id -u)}"
exec "$@"
