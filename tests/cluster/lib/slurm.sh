# shellcheck shell=bash
# Slurm's side: its configuration, and when its nodes are ready. README.md says why these settings.

write_slurm_conf() {
  local node_count=$1 cpus=$2 i memory
  memory=$(awk -v n="$node_count" '/^MemTotal/ {print int($2 / 1024 / n)}' /proc/meminfo)
  cat >"$dir/slurm.conf" <<CONF
ClusterName=ft
SlurmctldHost=ctl($kSubnet.254)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# cred_expire is also how long a requeued job waits; the default would be two minutes.
AuthInfo=socket=$dir/run/ctl/munge/socket,cred_expire=5

StateSaveLocation=$dir/run/ctl/state
SlurmctldPidFile=$dir/run/ctl/slurmctld.pid
SlurmctldLogFile=$dir/log/slurmctld.log
# Without %n two nodes' PMIx servers bind the same socket.
SlurmdSpoolDir=$dir/run/%n/spool
SlurmdPidFile=$dir/run/%n/slurmd.pid
SlurmdLogFile=$dir/log/slurmd-%n.log

ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=pmix
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
# The CPU counts below are what the tests ask for, not what this machine has.
SlurmdParameters=config_overrides

# A test cannot wait five minutes for a lost node.
SlurmctldTimeout=10
SlurmdTimeout=10
MessageTimeout=5
BatchStartTimeout=10
KillWait=3
InactiveLimit=0
WaitTime=0
MinJobAge=86400
JobRequeue=1
ReturnToService=2
TreeWidth=256

CONF
  for ((i = 0; i < node_count; i++)); do
    echo "NodeName=n$i NodeAddr=$kSubnet.$((i + 1)) CPUs=$cpus Boards=1 SocketsPerBoard=1" \
      "CoresPerSocket=$cpus ThreadsPerCore=1 RealMemory=$memory State=UNKNOWN"
  done >>"$dir/slurm.conf"
  echo "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO" >>"$dir/slurm.conf"
}

# idle, mixed or allocated; "idle*" is a node that does not answer.
take_jobs() {
  local names
  names=$(IFS=,; echo "$*")
  [[ $(on_login timeout 5 sinfo --noheader --Node --nodes "$names" --format %T 2>/dev/null |
    grep --count --line-regexp --extended-regexp 'idle|mixed|allocated') == "$#" ]]
}

wait_for_nodes() {
  wait_until 60 take_jobs "$@" && return
  local log
  for log in "$dir"/log/*.log; do
    echo "--- $log"
    tail -n 5 "$log"
  done >&2
  die "$* did not come up in 60 s; the logs above are in $dir/log, and 'down' cleans up"
}
