"""Models trained from the session: how far each is from the deck on material it was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

from modeling.card import Card
from reports.evaluation.document import ModelEvaluation
from reports.figures import errors
from reports.numbers import bare, in_words
from reports.pages import Cell, Page, Plot, Table
from reports.wording import sentence

_HEADS = ["Model", "Core", "Plain filter (dB)", "Model (dB)", "Floor (dB)"]


@dataclass(frozen=True)
class ModelSummary:
    """What a model's card says in short.

    Attributes
    ----------
    name, core : str
        Name of the model and kind of its core.
    filter_db, model_db, floor_db : float or None
        Error-to-signal ratio on held-out material: of the plain least-squares filter, of the model, and of noise and
        residual timing, which no model can pass.
    method : str
        What the model was trained and judged on.
    card : Card or None
        With it the model gets a page of its own.
    evaluation : ModelEvaluation or None
        What the bench says of this state of the model.
    """

    name: str
    core: str
    filter_db: float | None
    model_db: float | None
    floor_db: float | None
    method: str = ""
    card: Card | None = None
    evaluation: ModelEvaluation | None = None


def models_page(models: Sequence[ModelSummary]) -> Page | None:
    """Error of every model between the plain filter's and the floor."""
    if not models:
        return None
    rows: list[list[Cell]] = [[m.name, m.core, *(None if v is None else bare(v, 0.3) for v in _errors(m))] for m in models]
    caption = "Error-to-signal ratio on material that the models were not trained on; less is better."
    return Page(
        title="Models",
        lead=" ".join(filter(None, map(_lead, models))),
        conditions="",
        blocks=[
            Plot("models", errors([(m.name, _errors(m)) for m in models]), caption),
            Table("The floor is what noise and residual timing leave to every model", _HEADS, rows, frozenset({2, 3, 4})),
        ],
        methods=[(m.name, sentence(m.method)) for m in models if m.method],
    )


def _errors(model: ModelSummary) -> tuple[float | None, float | None, float | None]:
    return model.filter_db, model.model_db, model.floor_db


def _lead(model: ModelSummary) -> str:
    if model.model_db is None or model.filter_db is None:
        return ""
    way = "below" if model.model_db <= model.filter_db else "above"
    gain = in_words(abs(model.filter_db - model.model_db), "dB")
    return f"The error of {model.name} lies {gain} {way} that of a plain filter."
