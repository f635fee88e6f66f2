"""`sweep`: the arms and seeds of `run` as jobs of their own."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated

from seat_interp.commands._run import FLAT, Run
from seat_interp.core.ledger import Jobs

Cell = tuple[str, int]
"""An arm and a seed."""


@dataclass(frozen=True)
class Sweep:
    """The arms and seeds of `run` as jobs of their own, on Slurm or on this machine.

    Takes the options of `run`, and what each job gets. Jobs are submitted by submitit; what they print is in OUT/jobs.
    A last job puts all together and writes the report. The same call goes on where it was cut off.

    Example: seat-interp sweep --model ./my-model --target new.jsonl --known known.jsonl --unknown unknown.jsonl
    --arms full seat --seeds 0 1 2 --jobs.cluster slurm --jobs.gpus 1 --jobs.at-once 8
    """

    study: Annotated[Run, FLAT]
    jobs: Jobs = field(default_factory=Jobs)

    def run(self) -> None:
        """Submit, wait, show the summary."""
        from seat_interp.core.files import read_json
        from seat_interp.core.ledger import run_cells
        from seat_interp.results.tables import print_summary
        from seat_interp.studies.run_folder import BASE, is_finished, unfinished

        config, out, where = self.study.study, self.study.out, self.study.out / "jobs"
        run_one = partial(one, self.study, self.jobs.cpus)
        if not is_finished(out, BASE, 0):  # by itself: all others read it back
            run_cells(run_one, [(BASE, 0)], self.jobs, where, name=_name, unit="job")
        run_cells(run_one, unfinished(out, config.arms, config.seeds), self.jobs, where, name=_name, unit="job")
        run_cells(
            partial(together, self.study, self.jobs.cpus), [("all arms", 0)], self.jobs, where, name=_name, unit="job"
        )
        print_summary(read_json(out / "summary.json"))
        print(f"Report: {out / 'report.html'}")


def _name(cell: Cell) -> str:
    return f"{cell[0]}, seed {cell[1]}"


def one(study: Run, threads: int, cell: Cell) -> None:
    """What a job does: one arm and one seed, or the base, in the folder of all."""
    import torch

    from seat_interp.studies.run_folder import BASE

    torch.set_num_threads(threads)
    arm, seed = cell
    if arm == BASE:
        study.measure(base_alone=True)
    else:
        replace(study, study=replace(study.study, arms=(arm,), seeds=(seed,))).measure(join=False)  # type: ignore[arg-type]


def together(study: Run, threads: int, cell: Cell) -> None:
    """What the last job does: read everything back, write what is common to all, and the report."""
    import torch

    torch.set_num_threads(threads)
    study.run()
