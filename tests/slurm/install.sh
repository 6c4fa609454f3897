#!/usr/bin/env bash
# Install what the throw-away SLURM needs and this machine lacks, from Debian's packages.
set -uo pipefail
export PATH=$PATH:/usr/sbin:/sbin

wanted=(slurmctld:slurmctld slurmd:slurmd srun:slurm-client munged:munge)
[ "${ACCOUNTING:-0}" = 0 ] || wanted+=(slurmdbd:slurmdbd mariadbd:mariadb-server)
missing=()
for pair in "${wanted[@]}"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
[ ${#missing[@]} != 0 ] || exit 0

loud() {
    echo "################################################################" >&2
    echo "# SLURM IS NOT TESTED: $*" >&2
    echo "################################################################" >&2
}
command -v apt-get >/dev/null || {
    loud "${missing[*]} are missing, and there is no apt-get to install them"
    exit 0
}
[ "$(id -u)" = 0 ] && sudo=() || sudo=(sudo -n)
echo "installing with apt-get: ${missing[*]}"
"${sudo[@]}" apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" || loud "apt-get could not install ${missing[*]}"
