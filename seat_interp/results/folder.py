"""Read a run folder: what `run_study` wrote, by arm and seed, each part when it is asked for."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from seat_interp.aggregate import ArmRates, aggregate
from seat_interp.direction import IgnoranceDirection
from seat_interp.errors import SeatError
from seat_interp.files import load_tensors, read_json, read_jsonl
from seat_interp.plane import Plane, principal_plane
from seat_interp.results.layout import BASE, ROW_FILE, run_folder
from seat_interp.steering import SteeringCheck

_EVERY_RUN = (ROW_FILE, "records.jsonl", "activations.safetensors")
_TUNED_RUN = ("log.jsonl", "probes.jsonl", "displacement.json")


@dataclass(frozen=True)
class Run:
    """One arm with one seed, or the base. Files are read on first use and raise SeatError when broken.

    Attributes:
        arm: its name in `summary.json`.
        seed: of its mask, copies and order; 0 for the base.
        path: its folder.
        row: its row of `summary.json`.
    """

    arm: str
    seed: int
    path: Path
    row: dict[str, Any] = field(repr=False)

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """One dict a prompt: set_name, question, answer, reply, label, grounded, rouge1."""
        return read_jsonl(self.path / "records.jsonl")

    def rouge1(self, set_name: str) -> float | None:
        """Mean ROUGE-1 recall of the answers of a set; None where no answer can be compared so."""
        rows = [record["rouge1"] for record in self.records if record["set_name"] == set_name]
        found = [value for value in rows if value is not None]
        return sum(found) / len(found) if found else None

    @cached_property
    def activations(self) -> dict[str, Float[Tensor, "prompts width"]]:
        """By probe set, at the direction's layer and position, float32."""
        return load_tensors(self.path / "activations.safetensors", "seat_interp.activations")[0]

    @cached_property
    def displacement(self) -> dict[str, Any]:
        """Layer by layer: `sets` has a list of summaries for each probe set. Not for the base."""
        return read_json(self.path / "displacement.json")

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        """Loss terms, one row a step. Not for the base."""
        return read_jsonl(self.path / "log.jsonl")

    @cached_property
    def probes(self) -> list[dict[str, Any]]:
        """The live probe, one row each time it ran; empty if it was off. Not for the base."""
        return read_jsonl(self.path / "probes.jsonl")


@dataclass(frozen=True)
class RunFolder:
    """A finished study.

    Attributes:
        path: the folder.
        summary: `summary.json`: rows, config, environment.
        base: what was measured before any fine-tuning.
        runs: every arm with every seed, in the order of the summary; without the base.
    """

    path: Path
    summary: dict[str, Any] = field(repr=False)
    base: Run = field(repr=False)
    runs: tuple[Run, ...]

    @classmethod
    def open(cls, path: str | Path) -> "RunFolder":
        """Read the summary and check that every file of every run is there.

        Raises:
            SeatError: there is no such folder, it is not a run folder, or the study in it is not finished.
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
        """The runs of one arm, one for each seed.

        Raises:
            SeatError: the study has no such arm.
        """
        if found := tuple(run for run in self.runs if run.arm == arm):
            return found
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
        found = self.base.row.get("steering")
        return SteeringCheck.from_json(found) if found else None

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
