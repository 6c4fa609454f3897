#!/usr/bin/env bash
# Stop the cluster that slurm-up.sh started in FOLDER, and nothing else: programs are found by the
# pid files there, and each must still be the program that wrote its file.
#
#   slurm-down.sh FOLDER [--remove]
set -uo pipefail

folder=$(realpath -m "${1:?folder of the cluster}")
export PATH=$PATH:/usr/sbin:/sbin SLURM_CONF=$folder/etc/slurm.conf
[ -e "$SLURM_CONF" ] || {
    echo "no cluster in $folder"
    exit 0
}

# Jobs first: they outlive the slurmd that started them.
if timeout 5 scontrol ping >/dev/null 2>&1; then
    jobs=$(timeout 10 squeue -h -o %A | sort -u)
    # shellcheck disable=SC2086 # one argument a job
    [ -z "$jobs" ] || timeout 20 scancel $jobs
    for ((i = 0; i < 100; i++)); do
        [ -n "$(timeout 5 squeue -h -t R,CG,PD -o %A)" ] || break
        sleep 0.1
    done
fi

runs() { # PID NAME: still that program, and no zombie
    [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ] && ! grep -q '^State:.Z' "/proc/$1/status"
}

stop() { # NAME PID_FILE
    local pid
    pid=$(cat "$2" 2>/dev/null) || return 0
    [[ $pid =~ ^[0-9]+$ ]] || return 0
    if runs "$pid" "$1"; then
        kill -TERM "$pid"
        for ((i = 0; i < 150; i++)); do
            runs "$pid" "$1" || break
            sleep 0.1
        done
        runs "$pid" "$1" && kill -KILL "$pid"
    fi
    rm -f "$2"
}

for file in "$folder"/run/slurmd-*.pid; do
    stop slurmd "$file"
done
stop slurmctld "$folder/run/slurmctld.pid"
stop slurmdbd "$folder/run/slurmdbd.pid"
stop mariadbd "$folder/run/mariadbd.pid"
stop munged "$folder/run/munged.pid"
rm -f "$folder/env.sh"
[ "${2:-}" != --remove ] || rm -rf "$folder"
echo "stopped the SLURM of $folder"
