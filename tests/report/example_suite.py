"""What the example run was asked: its claims, its pairs, its machine."""

from __future__ import annotations

from harness.declare.claims import Claim, Reading
from harness.declare.pair import Pair

CLAIMS = (
    Claim(
        name="qmaml_half",
        paper="Kunde et al. 2021, QMAML",
        source="doi:10.1145/3460866.3461773",
        sentence="The training time of MAML is reduced by 50 % against learn2learn",
        readings=(
            Reading("half", "50 % less time a step, read as 2.0 times", 2.0, "step_time"),
            Reading("to_target", "half the time to the target", 2.0, "time_to_target"),
        ),
        algorithm="known",
    ),
    Claim(
        name="qmaml_four",
        paper="Kunde et al. 2021, QMAML",
        source="doi:10.1145/3460866.3461773",
        sentence="The same on worker nodes that each process a subset of the tasks",
        readings=(Reading("nodes", "2.0 times on four GPUs", 2.0, "step_time"),),
        algorithm="known",
        needs=("gpus=4",),
    ),
    Claim(
        name="sharing",
        paper="Chang and Lipson 2023",
        source="arXiv:2312.08398",
        sentence="Sharing gradients accelerates meta-training by up to 134 %",
        readings=(
            Reading("iterations", "134 % more speed, read as 2.34 times", 2.34, "step_time"),
            Reading("weak", "read as 1.34 times", 1.34, "step_time", "low"),
        ),
        algorithm="reconstructed",
    ),
)

ONE_SHOT: dict[str, int | float | str | bool] = {"ways": 5, "shots": 1, "tasks": 32}
TWENTY: dict[str, int | float | str | bool] = {"ways": 20, "shots": 1, "tasks": 8}

PAIRS = (
    Pair(
        "learn2learn against itself",
        "learn2learn_maml",
        "learn2learn_maml",
        "glyphs",
        "nothing",
        passes=("check", "step"),
        settings=ONE_SHOT,
    ),
    Pair(
        "learn2learn-batched-5w1s",
        "learn2learn_maml",
        "batched_maml",
        "glyphs",
        "tasks one after another, or batched",
        passes=("check", "trajectory", "curve", "operations", "memory", "step"),
        claims=("qmaml_half", "qmaml_four"),
        settings=ONE_SHOT,
    ),
    Pair(
        "learn2learn-batched-20w1s",
        "learn2learn_maml",
        "batched_maml",
        "glyphs",
        "tasks one after another, or batched",
        passes=("check", "curve", "operations", "memory", "step"),
        claims=("qmaml_half",),
        settings=TWENTY,
    ),
    Pair(
        "torchmeta-batched-5w1s",
        "torchmeta_maml",
        "batched_maml",
        "glyphs",
        "the library",
        claims=("qmaml_half",),
        settings=ONE_SHOT,
    ),
    Pair(
        "reference-sharing-5w1s",
        "reference_maml",
        "shared_gradients",
        "glyphs",
        "gradients shared inside the inner loop",
        claims=("sharing",),
        settings=ONE_SHOT,
        method_settings={"weight": 0.3},
    ),
)

PROBES = {
    "cpu": "AMD EPYC 9654",
    "cores": 2,
    "usable_cores": 2,
    "frequency_mhz": 2400,
    "frequency_policy": None,
    "memory_bytes": 8 * 1024**3,
    "os": "Linux 6.1",
    "python": "3.11.9",
    "torch": "2.13.0+cpu",
    "blas": "mkl",
    "mkl": True,
    "cuda": None,
    "gpu_state": {"clocks.sm": None},
    "packages": {"jinja2": "3.1.6", "learn2learn": "0.2.0", "numpy": "2.4.0", "torch": "2.13.0"},
    "distributions_hash": "9b1d0c77",
    "git_commit": "0f3c9a1d",
    "git_dirty": False,
}

DATA = "glyphs rendered from DejaVu and STIX typefaces"
SEEDS = (0, 1, 2)
ROUNDS = 4
SECONDS = {
    "learn2learn_maml": 0.0881,
    "batched_maml": 0.0369,
    "reference_maml": 0.0713,
    "shared_gradients": 0.0522,
}
