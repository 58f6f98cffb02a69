"""A user's script under torchrun or horovodrun: says what its team is, in one file a rank."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from harness.team.rendezvous import from_environment

if __name__ == "__main__":
    torch.set_num_threads(1)
    team = from_environment()
    tensor = torch.tensor([team.rank + 1.0, 10.0])
    team.all_reduce(tensor)
    told = [team.rank, team.size, list(team.share(5)), tensor.tolist(), team.gather("here")]
    Path(sys.argv[1], f"{team.rank}.json").write_text(json.dumps([type(team).__name__, *told]))
    team.barrier()
    team.close()
