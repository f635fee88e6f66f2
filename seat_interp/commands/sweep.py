"""`sweep`: the arms and seeds of `run` as jobs of their own."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from seat_interp.commands.study import FLAT, Run
from seat_interp.sweep import Cell, Jobs


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
        from seat_interp.files import read_json
        from seat_interp.results.tables import print_summary
        from seat_interp.sweep import sweep

        config, out = self.study.study, self.study.out
        cells = [(arm, seed) for seed in config.seeds for arm in config.arms]
        todo = [cell for cell in cells if not (out / "{}-{}".format(*cell) / "row.json").exists()]
        run = Part(self.study, self.jobs.cpus)
        if todo:
            sweep(run, todo, self.jobs, out / "jobs")
        sweep(Part(self.study, self.jobs.cpus, whole=True), [("all arms", 0)], self.jobs, out / "jobs")
        print_summary(read_json(out / "summary.json"))
        print(f"Report: {Path(out) / 'report.html'}")


@dataclass(frozen=True)
class Part:
    """What a job does: a cell of the study, or, at last, all that it reads back."""

    study: Run
    threads: int
    whole: bool = False

    def __call__(self, cells: tuple[Cell, ...]) -> None:
        """Run the study with one arm and one seed, in the folder of all."""
        import torch

        torch.set_num_threads(self.threads)
        ((arm, seed),), config = cells, self.study.study
        if self.whole:
            self.study.run()
        else:
            part = replace(config, arms=(arm,), seeds=(seed,))  # type: ignore[arg-type]
            replace(self.study, study=part).measure()
