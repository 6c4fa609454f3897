#!/usr/bin/env bash
# Start a throw-away SLURM cluster on the loopback interface, as any user, without systemd.
#
#   slurm-up.sh FOLDER        then: . FOLDER/env.sh, and at the end: slurm-down.sh FOLDER
#
# In the environment: NODES (2) emulated nodes of CPUS (2) and MEMORY (4000) MB each; PORT (16800),
# the first of NODES + 3 free ports; ACCOUNTING=1 for slurmdbd with MariaDB.
# Debian packages: slurmctld slurmd slurm-client munge, and slurmdbd mariadb-server for accounting.
set -euo pipefail

folder=$(realpath -m "${1:?folder for the state of the cluster}")
nodes=${NODES:-2} cpus=${CPUS:-2} memory=${MEMORY:-4000} port=${PORT:-16800}
accounting=${ACCOUNTING:-0}
user=$(id -un)
export PATH=$PATH:/usr/sbin:/sbin

fail() {
    echo "slurm-up: $*" >&2
    exit 1
}

# The paths of Unix sockets are limited to 108 bytes.
[ ${#folder} -le 70 ] || fail "the path of $folder is too long: at most 70 characters"
[ ! -e "$folder/env.sh" ] || fail "$folder is in use: run slurm-down.sh first"
needed="munged slurmctld slurmd srun"
[ "$accounting" = 0 ] || needed="$needed slurmdbd mariadbd mariadb-install-db"
for program in $needed; do
    command -v "$program" >/dev/null || fail "$program is not installed"
done

# until_true SECONDS COMMAND...: wait for a server to answer.
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt "$end" ] || {
            tail -n 5 "$folder"/log/*.log >&2
            fail "no success in time: $*"
        }
        sleep 0.1
    done
}

mkdir -p "$folder"/{bin,etc,munge,run,log,state,spool,database}
chmod 755 "$folder" "$folder/munge"
chmod 700 "$folder/database"

# ---- munge: every message between SLURM's programs is signed
(umask 077 && head -c 128 /dev/urandom >"$folder/munge/key")
munged --force --socket="$folder/munge/socket" --key-file="$folder/munge/key" \
    --pid-file="$folder/run/munged.pid" --log-file="$folder/log/munged.log" \
    --seed-file="$folder/munge/seed"
until_true 10 munge -S "$folder/munge/socket" -n

# ---- configuration
cat >"$folder/etc/slurm.conf" <<CONF
ClusterName=throwaway
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
SlurmctldPort=$port
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd-%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd-%n.log
# Without cgroups: processes are followed by their group, memory by looking every second.
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=5,sched_min_interval=0,bf_interval=5
# The nodes are this machine: take the sizes below for granted.
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
SlurmdTimeout=20
MinJobAge=3600
JobRequeue=0
DefMemPerCPU=500
# A request that no node can fulfil is refused, and does not wait for ever.
EnforcePartLimits=ALL
CONF
if [ "$accounting" = 0 ]; then
    echo "AccountingStorageType=accounting_storage/none" >>"$folder/etc/slurm.conf"
else
    cat >>"$folder/etc/slurm.conf" <<CONF
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort=$((port + 1))
AccountingStoragePass=$folder/munge/socket
CONF
fi
names=""
for ((n = 1; n <= nodes; n++)); do
    names+="${names:+,}n$n"
    echo "NodeName=n$n NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 2 + n))" \
        "CPUs=$cpus RealMemory=$memory State=UNKNOWN" >>"$folder/etc/slurm.conf"
done
echo "PartitionName=main Nodes=$names Default=YES MaxTime=1440 DefaultTime=5 LLN=YES State=UP" \
    >>"$folder/etc/slurm.conf"

# Snakemake's jobs lose SLURM_CONF on their way, but keep PATH: wrappers first on it set it again.
for command in srun sbatch squeue sacct scancel sinfo scontrol sacctmgr sstat; do
    program=$(command -v "$command") || continue
    printf '#!/bin/sh\nSLURM_CONF=%q exec %q "$@"\n' "$folder/etc/slurm.conf" "$program" \
        >"$folder/bin/$command"
    chmod 755 "$folder/bin/$command"
done
export SLURM_CONF=$folder/etc/slurm.conf

# ---- accounting
if [ "$accounting" != 0 ]; then
    options=(--no-defaults "--datadir=$folder/database/data")
    [ "$(id -u)" != 0 ] || options+=(--user=root)
    mariadb-install-db "${options[@]}" --auth-root-authentication-method=normal --skip-test-db \
        >"$folder/log/mariadb-install.log" 2>&1
    setsid nohup mariadbd "${options[@]}" --socket="$folder/run/mysql.sock" \
        --pid-file="$folder/run/mariadbd.pid" --skip-networking --skip-grant-tables \
        --innodb-buffer-pool-size=64M --innodb-lock-wait-timeout=900 \
        >"$folder/log/mariadbd.log" 2>&1 </dev/null &
    until_true 60 mariadb --no-defaults -S "$folder/run/mysql.sock" \
        -e 'create database if not exists slurm_acct_db'
    cat >"$folder/etc/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$((port + 1))
CommunicationParameters=NoInAddrAny
SlurmUser=$user
PidFile=$folder/run/slurmdbd.pid
LogFile=$folder/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageLoc=slurm_acct_db
StorageUser=root
CONF
    chmod 600 "$folder/etc/slurmdbd.conf"
    MYSQL_UNIX_PORT=$folder/run/mysql.sock slurmdbd
    until_true 30 sacctmgr -n list cluster
    # slurmdbd answers a little before it takes its first orders; what is there already is fine.
    add() {
        sacctmgr -i add "$@" >"$folder/log/sacctmgr.log" 2>&1 ||
            grep -qi already "$folder/log/sacctmgr.log"
    }
    until_true 20 add cluster throwaway
    until_true 20 add account study Description=study Organization=study
    until_true 20 add user "$user" Account=study DefaultAccount=study
fi

# ---- controller and nodes
slurmctld -i
until_true 20 scontrol ping
for ((n = 1; n <= nodes; n++)); do
    mkdir -p "$folder/spool/n$n"
    slurmd -N "n$n"
done
all_idle() {
    [ "$(sinfo -h -N -t idle -o %N | sort -u | wc -l)" = "$nodes" ]
}
until_true 30 all_idle

cat >"$folder/env.sh" <<ENV
export SLURM_CONF=$folder/etc/slurm.conf
export PATH=$folder/bin:\$PATH
ENV
echo "SLURM with $nodes nodes is up: . $folder/env.sh"
