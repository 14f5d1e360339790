"""``tape evaluate``: a model against its deck, on held-out material and on the bench; files into the model's folder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from modeling import listening
from modeling.dataset import Dataset, dbx_of, from_session
from modeling.held_out import baseline_of, excerpts, held_out
from modeling.model import Family, Model, load_family
from modeling.settings import Setting
from reports.comparison.differences import compare
from reports.comparison.tables import as_json
from reports.evaluation.bench import on_bench, passes_of
from reports.evaluation.document import FILE, ModelEvaluation
from reports.evaluation.goals import goals, of_track
from reports.evaluation.pages import build_evaluation
from reports.measuring import measure_session
from sessions.disk import require_writable, told_as_session_error, write_together
from sessions.ledger import MANIFEST
from sessions.manifest import TakeRecord, now, to_json, tool_version
from sessions.results import Condition, Measurements
from sessions.store import MEASUREMENTS, Session
from signals.errors import ModelError, UsageError

PDF = "evaluation.pdf"
LISTENING = "listening"
SIDES = ("deck", "model")
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Evaluated:
    """An evaluation, and the file that shows it."""

    found: ModelEvaluation
    report: Path
    listening: Path


def evaluate_model(
    folder: Path,
    session: Session,
    track: int | None = None,
    listen_to: Path | None = None,
    seed: int = 0,
    progress: Progress = lambda _: None,
) -> Evaluated:
    """Evaluate a model against a session and write ``evaluation.json``, ``evaluation.pdf`` and files for listening.

    Parameters
    ----------
    folder : Path
        Of the model.
    track : int, optional
        By default the one that the model learnt, where it learnt from this session, else the first with programme.
    listen_to : Path, optional
        New folder for the files for listening; by default ``listening`` in the model's folder.
    seed : int
        Of motion and hiss on the bench.

    Raises
    ------
    ModelError
        There is no such model, it is damaged, its sample rate is another one, or nothing is held out.
    UsageError
        `listen_to` is there already.
    TapeError
        The session is damaged or cannot be aligned, or the files cannot be written.
    """
    family = load_family(folder)
    setting = _fitting(family, session)
    model = family.at(setting)
    if listen_to is not None and listen_to.exists():
        raise UsageError(f"{listen_to} exists already and is never overwritten; name a new folder with --listening")
    home = _home(folder)
    require_writable(folder, *([home] if home else []), *([listen_to] if listen_to else []))
    _require_rate(model, session)
    dataset = from_session(session, _track(model, session, track), progress=progress, dbx=model.card.dbx)
    baseline = baseline_of(dataset)
    heard = held_out(model, dataset, baseline, progress)
    take, _ = session.take(dataset.source.take)
    deck, modelled = _measured(folder, session, take, dataset, seed, progress, setting)
    compared = compare(deck, modelled, SIDES)
    found = ModelEvaluation(
        model=model.card.name,
        weights_sha256=model.card.weights_sha256,
        session=session.manifest.id,
        take=take.id,
        track=dataset.source.track,
        created=now(),
        tool_version=tool_version(),
        passes=0 if take.role == "pair" else passes_of(session, take),
        seed=None if take.role == "pair" else seed,
        no_bench=_no_bench(session) if take.role == "pair" else "",
        setting=setting,
        goals=() if take.role == "pair" else tuple(goals(deck, modelled)),
        held_out=heard,
        differences=as_json(compared),
    )
    progress("writing the evaluation")
    files = {FILE: to_json(found).encode(), PDF: build_evaluation(found, model.card, session.manifest, deck, modelled)}
    cut = excerpts(model, dataset, baseline, listening.MOST_EXCERPTS, listening.LONGEST_S)
    heard_files = listening.listening_files(cut, model.card.name)
    place = listen_to or folder / LISTENING
    if listen_to is not None:
        _write({listen_to / name: data for name, data in heard_files.items()})
    else:
        files |= {f"{LISTENING}/{name}": data for name, data in heard_files.items()}
    _keep(folder, files)
    return Evaluated(found, folder / PDF, place)


def _fitting(family: Family, session: Session) -> dict[str, Condition]:
    """The setting of a model that fits a session: of several positions of the dbx switch the first in which it has takes."""
    learnt = dict.fromkeys(setting["dbx"] for setting in family.settings if "dbx" in setting)
    there = {dbx_of(take) for take in session.takes("play") or session.takes("loop")}
    chosen = next((dbx for dbx in learnt if dbx in there), next(iter(learnt), None))
    return family.fitting(session.manifest, **({} if chosen is None else {"dbx": chosen}))


def _track(model: Model, session: Session, track: int | None) -> int | None:
    own = [source.track for source in model.card.sources if source.session == session.manifest.id]
    return track if track is not None or not own else own[0]


def _require_rate(model: Model, session: Session) -> None:
    rates = {take.sample_rate for take in session.takes()} or {stimulus.sample_rate for stimulus in session.manifest.stimuli}
    if rates and model.core.sample_rate not in rates:
        raise ModelError(
            f"the model runs at {model.core.sample_rate} Hz and the session at {min(rates)} Hz; "
            "evaluate it on a session of its own rate, or train one on this session"
        )


def _no_bench(session: Session) -> str:
    return (
        f"{session.path.name} holds a pair of recordings and no stimulus to play through the model; make a session with"
        " 'tape capture', or 'tape stimulus' and 'tape import', to have it there"
    )


def _measured(
    folder: Path, session: Session, take: TakeRecord, dataset: Dataset, seed: int, progress: Progress, setting: Setting
) -> tuple[Measurements, Measurements]:
    """Deck and model as the bench sees them: the track that counts, in its position of the dbx switch; nothing of a pair."""
    if take.role == "pair":
        nothing = Measurements(
            session=session.manifest.id, tool_version=tool_version(), created=now(), results=[], curves=[]
        )
        return nothing, nothing
    known = (session.path / MEASUREMENTS).exists()
    deck = session.read_measurements() if known else measure_session(session, progress)
    modelled = on_bench(folder, session, take, seed, progress, setting)
    dbx = str(take.conditions.get("dbx", "off"))
    return of_track(deck, dataset.source.track, dbx), of_track(modelled, dataset.source.track, dbx)


def _home(folder: Path) -> Path | None:
    """The session that a model lies in."""
    models = folder.resolve().parent
    return models.parent if models.name == "models" and (models.parent / MANIFEST).exists() else None


def _keep(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a model's folder in place of earlier ones; where that is in a session, they are listed there."""
    home = _home(folder)
    if home is not None:
        own = f"models/{folder.resolve().name}"
        Session.open(home).write_files({f"{own}/{n}": data for n, data in files.items()}, renewed=(f"{own}/{LISTENING}",))
        return
    for old in sorted((folder / LISTENING).rglob("*.*")):
        if old.relative_to(folder).as_posix() not in files:
            with told_as_session_error(old):
                old.unlink()
    _write({folder / name: data for name, data in files.items()})


def _write(files: Mapping[Path, bytes]) -> None:
    for path in files:
        with told_as_session_error(path):
            path.parent.mkdir(parents=True, exist_ok=True)
    write_together(files)
