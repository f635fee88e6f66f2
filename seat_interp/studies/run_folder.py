"""Read a run folder: what `run_study` wrote, by arm and seed, each part when it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from seat_interp.core.environment import environment
from seat_interp.core.errors import SeatError
from seat_interp.core.files import load_tensors, read_json, read_jsonl, read_text, write_json, write_text
from seat_interp.directions.direction import IgnoranceDirection
from seat_interp.directions.plane import Plane, principal_plane
from seat_interp.directions.steering import SteeringCheck
from seat_interp.studies.aggregate import ArmRates, aggregate

BASE = "base"
ROW_FILE = "row.json"
"""Of a run; written last, so it means finished."""
_EVERY_RUN = (ROW_FILE, "records.jsonl", "activations.safetensors")
_TUNED_RUN = ("log.jsonl", "callback.jsonl", "displacement.json")


@dataclass(frozen=True)
class Run:
    """One arm with one seed, or the base. Files are read on first use and raise SeatError when broken.

    Attributes:
        arm: Name of the arm in `summary.json`.
        seed: Seed of its mask, entity-perturbed prompts and order; 0 for the base.
        path: Folder of the run.
        row: Row of `summary.json`.
    """

    arm: str
    seed: int
    path: Path
    row: dict[str, Any] = field(repr=False)

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """One dict a prompt: arm, seed, set_name, question, answer, reply, label, entity_naming, rouge1."""
        return read_jsonl(self.path / "records.jsonl")

    def rouge1(self, set_name: str) -> float | None:
        """Compute the mean ROUGE-1 recall of a set's replies.

        Args:
            set_name: Name of the evaluation set.

        Returns:
            Recall from 0 to 1; None where no answer can be compared.
        """
        rows = [record["rouge1"] for record in self.records if record["set_name"] == set_name]
        scores = [value for value in rows if value is not None]
        return sum(scores) / len(scores) if scores else None

    @cached_property
    def activations(self) -> dict[str, Float[Tensor, "prompts width"]]:
        """By evaluation set, at the direction's layer and position, float32."""
        return load_tensors(self.path / "activations.safetensors", "seat_interp.activations")[0]

    @cached_property
    def displacement(self) -> dict[str, Any]:
        """Layer by layer: `sets` has a list of summaries for each evaluation set. Not for the base."""
        return read_json(self.path / "displacement.json")

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        """Loss terms, one row a step. Not for the base."""
        return read_jsonl(self.path / "log.jsonl")

    @cached_property
    def callback_log(self) -> list[dict[str, Any]]:
        """Rows of the callback, one for each call; empty without one. Not for the base."""
        return read_jsonl(self.path / "callback.jsonl")


@dataclass(frozen=True)
class RunFolder:
    """Folder of a finished study.

    Attributes:
        path: Path of the folder.
        summary: Content of `summary.json`: rows, config, environment.
        base: Measurements before any fine-tuning.
        runs: Every arm with every seed, in the order of the summary; without the base.

    Example:
        >>> config = si.StudyConfig(arms=("full",), positions=(-1,), steering_prompts=0, null_draws=9, max_new_tokens=8)
        >>> few = si.FactSets(target=facts.target[:2], known=facts.known[:8], unknown=facts.unknown[:8])
        >>> import dataclasses
        >>> short = si.ArmConfig(dense=si.TrainConfig(steps=1))
        >>> _ = si.run_study(lm, few, dataclasses.replace(config, settings=short), "run", say=lambda text: None)
        >>> si.RunFolder.open("run").arms
        ('full',)
    """

    path: Path
    summary: dict[str, Any] = field(repr=False)
    base: Run = field(repr=False)
    runs: tuple[Run, ...]

    @classmethod
    def open(cls, path: str | Path) -> "RunFolder":
        """Read the summary and check that every file of every run is there.

        Args:
            path: Path of the folder.

        Returns:
            The study, of which other files are read when they are needed.

        Raises:
            SeatError: There is no such folder, it is not a run folder, or the study in it is not finished.
        """
        path = Path(path)
        if not path.is_dir():
            raise SeatError(f"There is no run folder {path}. Make one with `seat-interp run` or `demo`, --out {path}.")
        if not (path / "config.json").is_file():
            raise SeatError(
                f"{path} is not a run folder: it holds no config.json. "
                "Give what was --out of `seat-interp run` or `seat-interp demo`."
            )
        _require(path, ("summary.json", "direction.safetensors"))
        summary = read_json(path / "summary.json")
        rows = summary.get("rows") if isinstance(summary, dict) else None
        if not rows or rows[0].get("arm") != BASE:
            raise SeatError(
                f"{path / 'summary.json'} does not start with a row of the base, so it is not of a study. "
                "Remove the file and run the same command again."
            )
        runs = [_open_run(path, row) for row in rows]
        return cls(path, summary, runs[0], tuple(runs[1:]))

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms in the order of the summary, without the base."""
        return tuple(dict.fromkeys(run.arm for run in self.runs))

    def of_arm(self, arm: str) -> tuple[Run, ...]:
        """Return the runs of one arm, one for each seed.

        Args:
            arm: Name of the arm.

        Returns:
            The runs.

        Raises:
            SeatError: The study has no such arm.
        """
        if runs := tuple(run for run in self.runs if run.arm == arm):
            return runs
        raise SeatError(f"{self.path} has no arm {arm!r}; its arms are {', '.join(self.arms) or 'none'}.")

    @cached_property
    def direction(self) -> IgnoranceDirection:
        """The base's ignorance direction."""
        return IgnoranceDirection.load(self.path / "direction.safetensors")

    @cached_property
    def rates(self) -> list[ArmRates]:
        """Rates and displacement of every arm over its seeds, with intervals; the base first."""
        return aggregate(self.summary)

    @property
    def steering(self) -> SteeringCheck | None:
        """What adding and ablating the direction did to the base; None where the study left it out."""
        saved = self.base.row.get("steering")
        return SteeringCheck.from_json(saved) if saved else None

    @cached_property
    def plane(self) -> Plane:
        """Prompts on two principal components of the base, before and after each arm with its first seed."""
        return principal_plane(self.base.activations, {arm: self.of_arm(arm)[0].activations for arm in self.arms})


def _open_run(path: Path, row: dict[str, Any]) -> Run:
    arm, seed = row["arm"], row["seed"]
    folder = run_folder(path, arm, seed)
    _require(folder, _EVERY_RUN if arm == BASE else _EVERY_RUN + _TUNED_RUN)
    return Run(arm, seed, folder, row)


def _require(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise SeatError(
                f"{folder / name} is missing, so this study is not finished. "
                "Run the same command with the same --out again: it goes on where it stopped."
            )


def run_folder(out: Path, arm: str, seed: int) -> Path:
    """Return the folder of one arm with one seed, or of the base, which has none.

    Args:
        out: Folder of the study.
        arm: Name of the arm.
        seed: Seed of the run.

    Returns:
        Path of the run's folder.
    """
    return out / (BASE if arm == BASE else f"{arm}-{seed}")


def is_finished(out: Path, arm: str, seed: int) -> bool:
    """Return whether a run is finished.

    Args:
        out: Folder of the study.
        arm: Name of the arm.
        seed: Seed of the run.

    Returns:
        True if its row is written.
    """
    return (run_folder(out, arm, seed) / ROW_FILE).exists()


def unfinished(out: Path, arms: Sequence[str], seeds: Sequence[int]) -> list[tuple[str, int]]:
    """Return arms with their seeds that are still to be run, seeds outermost: what is cut off has whole comparisons.

    Args:
        out: Folder of the study.
        arms: Names of the arms.
        seeds: Seeds.

    Returns:
        Pairs of arm and seed.
    """
    return [(arm, seed) for seed in seeds for arm in arms if not is_finished(out, arm, seed)]


def finished_runs(out: Path) -> list[tuple[str, int]]:
    """Return arms with their seeds that are finished in the folder, whichever call ran them; without the base.

    Args:
        out: Folder of the study.

    Returns:
        Pairs of arm and seed, sorted.
    """
    rows = (read_json(path) for path in out.glob(f"*/{ROW_FILE}"))
    return sorted((row["arm"], row["seed"]) for row in rows if row["arm"] != BASE)


def summary_of(out: Path, runs: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """Make the content of `summary.json` from finished runs.

    Args:
        out: Folder of the study.
        runs: Pairs of arm and seed, all finished.

    Returns:
        Rows, config and environment.
    """
    rows = [read_json(run_folder(out, *run) / ROW_FILE) for run in ((BASE, 0), *runs)]
    arms, seeds = (list(dict.fromkeys(values)) for values in (zip(*runs) if runs else ((), ())))
    return {
        "rows": rows,
        "config": read_json(out / "config.json") | {"arms": arms, "seeds": seeds},
        "environment": environment(),
    }


def join_runs(out: Path, runs: Sequence[tuple[str, int]] | None = None) -> dict[str, Any]:
    """Write `records.jsonl` and `summary.json`, which are common to all runs.

    Args:
        out: Folder of the study.
        runs: Pairs of arm and seed, in the order of the summary; all that are finished if None.

    Returns:
        The content of `summary.json`.

    Raises:
        SeatError: No run is finished.
    """
    if runs is None:
        if not is_finished(out, BASE, 0):
            raise SeatError(f"There are no finished runs in {out}. Run the command or script that fills it again.")
        runs = finished_runs(out)
    summary = summary_of(out, runs)
    parts = (run_folder(out, *run) / "records.jsonl" for run in ((BASE, 0), *runs))
    write_text(out / "records.jsonl", "".join(map(read_text, parts)))
    write_json(out / "summary.json", summary)
    return summary
