"""Disturbances: what of a machine makes times longer, wider or wrong."""

from __future__ import annotations

from collections.abc import Iterator

from harness.doctor.finding import Finding, State, fit, unknown
from harness.doctor.machine import Machine
from harness.doctor.nvidia import Gpu

LOADED = 0.25  # of the cores, by the load average
STOLEN = 0.02  # of processor time
SCARCE = 2 << 30  # bytes of memory: less does not hold a pair and its twin
SWAPPED = 0.01  # of the memory

TUNE = "Run: sudo python -m pyperf system tune"
ALONE = "End them (`top` shows them), or measure on a machine of your own."

OWN_CHOICE = ("_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
"""Variables of a thread library that end so are set anew in every worker."""
PINS = ("OMP_PROC_BIND", "OMP_PLACES", "KMP_AFFINITY", "GOMP_CPU_AFFINITY")
PIN_NOTHING = ("", "false", "none", "disabled")


def disturbances(machine: Machine) -> Iterator[Finding]:
    """Yield what is found of everything that can disturb a time."""
    yield _load(machine)
    yield _busy(machine)
    yield _priority(machine)
    yield _steal(machine)
    yield _quota(machine)
    yield _policy(machine)
    yield _boost(machine)
    yield _heat(machine)
    yield _siblings(machine)
    yield from _threads(machine)
    yield _memory(machine)
    yield _swap(machine)
    for index, gpu in enumerate(machine.gpus):
        yield _gpu(f"GPU {index}" if len(machine.gpus) > 1 else "GPU", gpu)
    if not machine.gpus:
        yield fit("GPU", "none that NVIDIA's driver shows; device=cpu needs none")


def unfit(machine: Machine) -> dict[str, str]:
    """Return what disturbs times now, as a run records it."""
    found = disturbances(machine)
    return {each.subject: each.seen for each in found if each.state is State.UNFIT}


def line_of(unfit: dict[str, str]) -> str:
    """Say in a line what of the machine disturbs times."""
    if not unfit:
        return "nothing was found that would disturb times on this machine"
    found = "; ".join(f"{subject}: {seen}" for subject, seen in unfit.items())
    return f"this machine disturbs times ({found}). See: python -m harness doctor"


def _load(machine: Machine) -> Finding:
    if machine.load is None:
        return unknown("load", "this system keeps no load average")
    seen = f"{machine.load:.1f} on {_cores(machine.cores)}"
    if machine.load <= LOADED * machine.cores:
        return fit("load", seen)
    effect = "Other work shares cores, caches and memory: intervals are wider and take more rounds."
    remedy = "Wait until other work has ended: this is the average of the last minute."
    return Finding("load", State.UNFIT, seen, effect, remedy)


def _busy(machine: Machine) -> Finding:
    if not machine.busy:
        return fit("busy processes", "none beside this one")
    effect = (
        "Each shares cores and caches with what is timed. Seconds in which it had the core are "
        "left out on Linux, but not what it pushes out of the caches."
    )
    return Finding("busy processes", State.UNFIT, f"{machine.busy}", effect, ALONE)


def _priority(machine: Machine) -> Finding:
    if machine.niceness < 0:
        return fit("priority", f"niceness {machine.niceness}: what is measured goes before others")
    effect = "Beside busy processes a run takes many times longer: threads wait for their turns."
    remedy = "Start it as root where others may wait, and without `nice`."
    return Finding("priority", State.ADVICE, f"niceness {machine.niceness}", effect, remedy)


def _steal(machine: Machine) -> Finding:
    if machine.steal is None:
        return unknown("other virtual machines", "this system does not count what they take")
    seen = f"{100 * machine.steal:.0f} % of processor time"
    if machine.steal <= STOLEN:
        return fit("other virtual machines", seen)
    effect = "The time in which they had the cores is counted as the work's own."
    remedy = "Take a machine whose cores are its own, or measure at a quieter time."
    return Finding("other virtual machines", State.UNFIT, seen, effect, remedy)


def _quota(machine: Machine) -> Finding:
    if machine.quota is None or machine.quota >= machine.cores:
        return fit("processor quota", "none")
    seen = f"time of {machine.quota:g} cores, where {machine.cores} may be used"
    effect = "A process that uses it up is stopped until the next tenth of a second: times jump."
    remedy = f"Use threads={max(1, int(machine.quota))}, or raise the container's CPU limit."
    return Finding("processor quota", State.UNFIT, seen, effect, remedy)


def _policy(machine: Machine) -> Finding:
    seen = ", ".join(sorted(machine.policies))
    if not machine.policies:
        return unknown("clock rate policy", "the system shows none, as in most virtual machines")
    if machine.policies == {"performance"}:
        return fit("clock rate policy", seen)
    effect = "The clock rate follows the load, so a step after a pause takes longer than others."
    return Finding("clock rate policy", State.UNFIT, seen, effect, f"{TUNE}.")


def _boost(machine: Machine) -> Finding:
    if machine.boosts is None:
        return unknown("turbo", "the system does not say")
    if not machine.boosts:
        return fit("turbo", "off")
    effect = (
        "The clock rate depends on heat and on how many cores work: several ranks run slower than "
        "one would alone."
    )
    remedy = f"{TUNE}, or write 0 into /sys/devices/system/cpu/cpufreq/boost."
    return Finding("turbo", State.ADVICE, "on", effect, remedy)


def _heat(machine: Machine) -> Finding:
    if machine.slowed is None:
        return unknown("throttling", "the system does not count it")
    if not machine.slowed:
        return fit("throttling", "none since the system started")
    seen = f"heat lowered the clock rate {machine.slowed:,} times since the system started"
    effect = "Times grow as a run goes on; members in turns share that, whole blocks do not."
    remedy = "Cool it better, or use fewer threads."
    return Finding("throttling", State.ADVICE, seen, effect, remedy)


def _siblings(machine: Machine) -> Finding:
    if machine.siblings is None:
        return unknown("logical cores", "the system does not say whether they share cores")
    if not machine.siblings:
        return fit("logical cores", "a core each")
    effect = "Two threads or ranks may share one core: speed-ups by more of them look smaller."
    remedy = "Set threads= to the number of cores, or write off into .../cpu/smt/control."
    return Finding("logical cores", State.ADVICE, "two share a core", effect, remedy)


def _threads(machine: Machine) -> Iterator[Finding]:
    ours = [name for name in machine.variables if name.endswith(OWN_CHOICE)]
    found = False
    for name, value in machine.variables.items():
        told = value.strip().lower()
        if name in PINS and told not in PIN_NOTHING:
            effect = "All processes are pinned to the same cores, so ranks wait for each other."
        elif name == "OMP_DYNAMIC" and told in ("true", "1"):
            effect = "Fewer threads may work than a record says, and others in every step."
        elif name == "OMP_THREAD_LIMIT":
            effect = "No more threads than these work, whatever a record says."
        elif name == "KMP_BLOCKTIME" and told != "0":
            effect = "Waiting threads keep a core busy that the timed process needs."
        else:
            continue
        found = True
        seen = f"{name} is set"
        yield Finding("thread settings", State.UNFIT, seen, effect, f"Run: unset {name}.")
    if not found:
        set_ = f"{', '.join(ours)} set; a run sets its own by threads=" if ours else "the defaults"
        yield fit("thread settings", set_)


def _memory(machine: Machine) -> Finding:
    gib = 1 << 30
    seen = f"{machine.available_bytes / gib:.1f} of {machine.memory_bytes / gib:.1f} GiB free"
    if machine.available_bytes >= SCARCE:
        return fit("memory", seen)
    effect = (
        "Members that do not fit in beside each other are timed in whole blocks, which drift hits "
        "one by one, or end as out of memory."
    )
    return Finding("memory", State.UNFIT, seen, effect, "End what holds it.")


def _swap(machine: Machine) -> Finding:
    seen = f"{machine.swapped_bytes / (1 << 20):,.0f} MiB in use"
    if machine.swapped_bytes <= SWAPPED * machine.memory_bytes:
        return fit("swap", seen)
    effect = "A step that touches what lies there waits for the disk, thousands of times longer."
    return Finding("swap", State.UNFIT, seen, effect, "Free memory, then run: sudo swapoff -a.")


def _gpu(subject: str, gpu: Gpu) -> Finding:
    if gpu.processes or (gpu.utilization or 0) > 0:
        seen = f"{gpu.processes} processes on it, busy {gpu.utilization or 0:.0f} % of the time"
        effect = "Kernels of others run between those that are timed, and take its memory."
        remedy = "End them (nvidia-smi shows them), or name another GPU with device=cuda:N."
    elif gpu.slowed:
        seen = "its clock rate is lowered by heat or by its power limit"
        effect = "Kernels take longer the longer a run goes on."
        remedy = "Cool it better, or fix the rate below: sudo nvidia-smi -lgc RATE."
    elif not gpu.persists:
        seen = "persistence mode is off"
        effect = "Its driver is loaded anew for each process: the first steps wait for it."
        return Finding(subject, State.ADVICE, seen, effect, "Run: sudo nvidia-smi -pm 1.")
    else:
        return fit(subject, "idle, at its own clock rate")
    return Finding(subject, State.UNFIT, seen, effect, remedy)


def _cores(count: int) -> str:
    return f"{count} core{'s' * (count != 1)}"
