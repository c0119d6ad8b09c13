"""Recipes: what is trained, on which degradation, for how long. Small TOML files beside this module."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, TypeVar

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.lookup import unknown
from glmha_cli.training.data.spectra import CubesConfig
from glmha_cli.typed import Range, from_mapping

Settings = TypeVar("Settings")
Share = Annotated[float, Range(0, 1)]
Steps = Annotated[int, Range(1, 10**9)]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Crops of `patch_px` squared, `batch` of them a step, until this share of the steps is done.

    mosaic: each is a picture of so many by so many crops of different photos. Attention over one small crop knows a
    single colour; over a photo it never does.
    rows: that are left of each crop, all by default. A snapshot mixes all bands only where a scene is wider than the
    light is dispersed, so low crops of a scene's width are like scenes, and squares of as many pixels are too easy.
    """

    patch_px: Annotated[int, Range(1, 4096)]
    batch: Annotated[int, Range(1, 4096)]
    until: Share
    mosaic: Annotated[int, Range(1, 64)] = 1
    rows: Annotated[int, Range(1, 4096)] | None = None

    def __post_init__(self) -> None:
        if self.rows is not None and self.rows > self.patch_px:
            raise BadDataError(f"a stage of {self.rows} rows of crops of {self.patch_px} px", "rows: at most patch_px")
        if min(self.patch_px, self.batch, self.mosaic) < 1:
            raise BadDataError(
                f"a stage of {self.batch} crops of {self.patch_px} px in mosaics of {self.mosaic}", "at least 1 each"
            )

    @property
    def side_px(self) -> int:
        """Of what the network sees."""
        return self.patch_px * self.mosaic

    @property
    def height_px(self) -> int:
        """Of what the network sees; its width is `side_px`."""
        return (self.rows or self.patch_px) * self.mosaic


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Steps and learning rate: linear warm-up, constant, then linear to zero over the last `cooldown` share.

    Constant in between, so that a run can be lengthened without having decayed for nothing; the short decay
    at the end gives the gain of a full one (Hägele et al. 2024, "Scaling laws and compute-optimal training
    beyond fixed training durations").
    """

    steps: Steps
    learning_rate: Annotated[float, Range(0, 10)]
    stages: tuple[Stage, ...]
    warmup_steps: Annotated[int, Range(0, 10**9)] = 200
    cooldown: Share = 0.3
    weight_decay: Annotated[float, Range(0, 10)] = 1e-4
    clip_norm: Annotated[float, Range(0, 10**6)] = 1.0
    ema_decay: Share = 0.999
    validate_every: Steps = 1000

    def __post_init__(self) -> None:
        if not self.stages or self.steps < 1:
            raise BadDataError(f"a schedule of {len(self.stages)} stages and {self.steps} steps", "at least 1 each")

    def rate(self, step: int) -> float:
        """Share of `learning_rate` used at `step`."""
        left = (self.steps - step) / max(1.0, self.cooldown * self.steps)
        return max(0.0, min(1.0, (step + 1) / max(1, self.warmup_steps), left))

    def stage(self, step: int) -> Stage:
        """The stage that `step` belongs to."""
        return next((stage for stage in self.stages if step < stage.until * self.steps), self.stages[-1])


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """network: plain config (glmha_cli.networks). degradation: {"name": …, knobs}. seed: of data and weights.
    loss, optimizer: names in `losses.LOSSES` and `optimizers.OPTIMIZERS`. cubes: of cubes made of photos.
    deep_supervision: the loss looks at what every stage of an unfolding network gives, each half as much as the next.
    shrink: photos are made smaller by a factor from 1 to this, another one for each crop, as far as they are large
    enough: a small photo has more detail in as many pixels.
    cpu_threads: where a CPU trains, None for a thread per core. Threads meet after each operation, and the second core
    makes data: what is small is done sooner by one.
    """

    task: str
    network: Mapping[str, Any]
    degradation: Mapping[str, Any]
    schedule: Schedule
    seed: Annotated[int, Range(0, 2**32 - 1)] = 1
    loss: str = "charbonnier"
    deep_supervision: bool = False
    optimizer: str = "adamw"
    shrink: Annotated[float, Range(1, 16)] = 1.0
    cpu_threads: Annotated[int, Range(1, 1024)] | None = None
    cubes: CubesConfig = field(default_factory=CubesConfig)

    def adjusted(
        self,
        *,
        steps: int | None = None,
        learning_rate: float | None = None,
        seed: int | None = None,
        attention: str | None = None,
    ) -> "Recipe":
        """The same but for what is given. More steps lengthen a finished run; attention: a name, with its defaults.

        BadDataError for numbers that a recipe may not have.
        """
        network = None if attention is None else {**self.network, "attention": {"name": attention}}
        schedule = _with_given(self.schedule, "schedule", steps=steps, learning_rate=learning_rate)
        return _with_given(self, "recipe", seed=seed, network=network, schedule=schedule)


def _with_given(settings: Settings, where: str, **values: Any) -> Settings:
    """With those of the values that are not None, checked as in a file."""
    given = {name: value for name, value in values.items() if value is not None}
    return from_mapping(type(settings), {**vars(settings), **given}, where)


def recipe_names() -> list[str]:
    folder = files("glmha_cli.training") / "recipes"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def recipe_text(name: str) -> str:
    """The TOML of a recipe of the package by name, or of a file by path."""
    if not name.endswith(".toml"):
        if name not in recipe_names():
            raise unknown("recipe", name, recipe_names())
        return (files("glmha_cli.training") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")
    path = Path(name)
    if not path.is_file():
        raise NoInputError(f"no recipe at {path}", f"recipes of the package: {', '.join(recipe_names())}")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadDataError(f"recipe {name} is not text in UTF-8") from error


def header_of(text: str) -> dict[str, str]:
    """What a recipe says of itself in its first comments, by the words before the colon: Command, Hardware, …"""
    said = {}
    for line in takewhile(lambda line: line.startswith("#"), text.splitlines()):
        name, colon, value = line.removeprefix("#").partition(":")
        if colon and name.strip().isalpha():
            said[name.strip()] = value.strip()
    return said


def load_recipe(name: str) -> Recipe:
    """A recipe of the package by name, or a TOML file by path."""
    try:
        return recipe_from_plain(tomllib.loads(recipe_text(name)), name)
    except tomllib.TOMLDecodeError as error:
        raise BadDataError(f"recipe {name} is not TOML: {error}") from error


def recipe_from_plain(data: Mapping[str, Any], name: str) -> Recipe:
    return from_mapping(Recipe, data, f"recipe {name}")
